"""Creates the library's tables at DATABASE_URL and fills them, always alike."""

import os

from models import Model
from sqlalchemy import create_engine, text

ROWS = """
INSERT INTO author SELECT i, 'Author ' || i FROM generate_series(1, 2000) AS i;
INSERT INTO book SELECT i, 'Book ' || i, 1 + mod(i * 7, 2000) FROM generate_series(1, 10000) AS i;
INSERT INTO member SELECT i, 'Member ' || i FROM generate_series(1, 10000) AS i;
INSERT INTO loan
SELECT i, 1 + mod(i * 7919, 10000), 1 + mod(i * 31, 9973), date '2025-01-01' + mod(i, 90)::integer
FROM generate_series(1::bigint, 150000) AS i;
"""

engine = create_engine(os.environ["DATABASE_URL"])
Model.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(text(ROWS))
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
    connection.execute(text("VACUUM ANALYZE"))
