"""A small shop on FastAPI, SQLAlchemy and PostgreSQL. It knows nothing of pinchpoint."""
