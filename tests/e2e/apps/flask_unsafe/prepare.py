"""Creates the page's table at DATABASE_URL, PostgreSQL or SQLite."""

import os

from sqlalchemy import create_engine, text

with create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    connection.execute(text("CREATE TABLE page (visits integer NOT NULL)"))
    connection.execute(text("INSERT INTO page VALUES (0)"))
