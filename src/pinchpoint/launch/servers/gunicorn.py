"""gunicorn, the usual server of WSGI applications: sync workers, or gthread with threads.

One thread a worker starts `sync` workers, more start `gthread`. An ASGI application gets
gunicorn's own `asgi` workers, which came with version 24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.gunicorn_command import gunicorn_command
from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(
    package="gunicorn",
    interfaces=(Interface.WSGI, Interface.ASGI),
    workers=2,
    has_threads=True,
)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    synchronous = "gthread" if deployment.threads > 1 else "sync"
    worker_class = synchronous if app.interface is Interface.WSGI else "asgi"
    return gunicorn_command(app, deployment, port, worker_class)
