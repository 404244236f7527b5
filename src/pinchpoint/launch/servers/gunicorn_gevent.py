"""gunicorn with gevent workers: a greenlet for each connection, 1000 in each process.

gevent replaces blocking calls of the standard library; drivers in C, such as psycopg2, go on
blocking the whole process unless the application makes them cooperate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.gunicorn_command import gunicorn_command
from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(package="gunicorn[gevent]", interfaces=(Interface.WSGI,), workers=2, threads=0)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    return gunicorn_command(app, deployment, port, "gevent")
