"""One endpoint holds what another one waits for: a worker, a lock, a pool, the interpreter."""

from __future__ import annotations

import os
import threading
import time

import flask
import sqlalchemy

HELD_S = 0.05
SPIN_ROUNDS = 40_000
engine = sqlalchemy.create_engine(os.environ["PLANTED_URL"], pool_size=1, max_overflow=0)
roomy = sqlalchemy.create_engine(os.environ["PLANTED_URL"], pool_size=20)
one = sqlalchemy.text("SELECT name FROM item WHERE id = 7")
lock = threading.Lock()
app = flask.Flask(__name__)


def spin():
    for _ in range(SPIN_ROUNDS):
        pass


def name():
    with roomy.connect() as connection:
        return connection.scalar(one)


@app.get("/hello")
def hello():
    return {"hello": "world"}


@app.get("/mixed")
def mixed():
    spin()
    time.sleep(0.002)
    return {"hello": "world"}


@app.get("/hold_worker")
def hold_worker():
    time.sleep(HELD_S)
    return {}


@app.get("/hold_lock")
def hold_lock():
    with lock:
        time.sleep(HELD_S)
    return {}


@app.get("/want_lock")
def want_lock():
    with lock:
        return {}


@app.get("/hold_pool")
def hold_pool():
    with engine.connect() as connection:
        time.sleep(HELD_S)
        return {"name": connection.scalar(one)}


@app.get("/want_pool")
def want_pool():
    with engine.connect() as connection:
        return {"name": connection.scalar(one)}


@app.get("/hold_interpreter")
def hold_interpreter():
    for _ in range(30):
        spin()
    return {}


@app.get("/want_interpreter")
def want_interpreter():
    return {"name": name()}


@app.get("/between")
def between():
    spin()
    found = name()
    spin()
    return {"name": found}
