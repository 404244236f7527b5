"""Creates the fleet's tables at DATABASE_URL and fills them, always alike."""

import os

from sqlalchemy import create_engine, text
from tables import Base

engine = create_engine(os.environ["DATABASE_URL"])
Base.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(
        text("INSERT INTO depots SELECT i, 'Town ' || i FROM generate_series(1, 50) AS i"),
    )
    connection.execute(
        text(
            "INSERT INTO vehicles SELECT i, 'FL-' || 1000 + i, 1 + mod(i, 50), i * 37 "
            "FROM generate_series(1, 4000) AS i",
        ),
    )
    connection.execute(text("ANALYZE"))
