"""gunicorn, the usual server of WSGI applications: sync workers, or gthread with threads.

One thread a worker starts `sync` workers, more start `gthread`. The project's own
gunicorn.conf.py is not read: its bind address and worker count would win over the
experiment's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.launch import gunicorn_settings
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

MODULE = "gunicorn"
INTERFACES = (Interface.WSGI,)
DEFAULT_WORKERS = 2
SETTINGS = Path(gunicorn_settings.__file__)
TIMEOUT_S = 120
"""Above the longest request of a load run; a worker that is killed would look like the app's."""


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    threads = deployment.threads
    return [
        str(app.python),
        "-m",
        MODULE,
        f"--config={SETTINGS}",
        f"--bind=127.0.0.1:{port}",
        f"--workers={deployment.workers}",
        f"--worker-class={'gthread' if threads > 1 else 'sync'}",
        f"--threads={threads}",
        f"--timeout={TIMEOUT_S}",
        "--log-level=warning",
        *deployment.arguments,
        app.target,
    ]
