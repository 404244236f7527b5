"""Finds nothing, whatever is asked for."""

from flask import Flask, abort

app = Flask(__name__)


@app.get("/items")
@app.get("/items/<int:item_id>")
def items(item_id=0):
    abort(404, f"no item {item_id}")
