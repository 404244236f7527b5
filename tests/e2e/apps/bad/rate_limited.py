"""Answers 429 to all but the first hundred requests."""

import itertools

from flask import Flask, abort

FREE_REQUESTS = 100

app = Flask(__name__)
requests = itertools.count(1)


@app.get("/")
def index():
    if next(requests) > FREE_REQUESTS:
        abort(429)
    return {"free": True}
