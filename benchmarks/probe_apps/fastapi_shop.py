"""Three endpoints in FastAPI: nothing, one statement, ten statements."""

from __future__ import annotations

import os

import fastapi
import sqlalchemy

engine = sqlalchemy.create_engine(os.environ["SHOP_URL"])
one = sqlalchemy.text("SELECT id, name FROM item WHERE id = :id")
app = fastapi.FastAPI()


@app.get("/hello")
def hello():
    return {"hello": "world"}


@app.get("/one")
def first():
    return {"item": item(7)}


@app.get("/ten")
def ten():
    return {"items": [item(number) for number in range(1, 11)]}


def item(number):
    with engine.connect() as connection:
        return tuple(connection.execute(one, {"id": number}).one())
