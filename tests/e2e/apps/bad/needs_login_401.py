"""Answers nobody who has not logged in."""

from flask import Flask, abort, request

app = Flask(__name__)


@app.before_request
def refuse_strangers():
    if "Authorization" not in request.headers:
        abort(401)


@app.get("/account")
def account():
    return {"balance": 7}


@app.get("/account/bills")
def bills():
    return {"bills": []}
