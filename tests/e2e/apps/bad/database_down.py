"""Asks a database that does not run."""

from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
# Nothing listens on port 1.
engine = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/nothing")


@app.get("/books")
def books():
    with engine.connect() as connection:
        return {"books": connection.scalar(text("SELECT count(*) FROM books"))}
