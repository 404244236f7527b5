"""Needs a module that is not there."""

import a_module_that_nobody_has_written  # noqa: F401
from flask import Flask

app = Flask(__name__)
