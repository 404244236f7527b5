"""Waits for ever while it is imported, so that its server never answers."""

import threading

from flask import Flask

threading.Event().wait()
app = Flask(__name__)
