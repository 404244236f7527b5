"""Nothing is wrong with this one; it is what the tests interrupt."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return {"sum": sum(range(20_000))}
