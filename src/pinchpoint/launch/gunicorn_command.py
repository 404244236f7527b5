"""The command line that is common to gunicorn's worker classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.launch import gunicorn_settings

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

SETTINGS = Path(gunicorn_settings.__file__)
TIMEOUT_S = 120
"""Above the longest request of a load run; a worker that is killed would look like the app's."""


def gunicorn_command(app: App, deployment: Deployment, port: int, worker_class: str) -> list[str]:
    """Serve `app` on a port of loopback with workers of a class.

    The project's own gunicorn.conf.py is not read: its bind address and worker count would win
    over the experiment's.
    """
    return [
        str(app.python),
        "-m",
        "gunicorn",
        f"--config={SETTINGS}",
        f"--bind=127.0.0.1:{port}",
        f"--workers={deployment.workers}",
        f"--worker-class={worker_class}",
        *([f"--threads={deployment.threads}"] if deployment.threads > 1 else []),
        f"--timeout={TIMEOUT_S}",
        "--log-level=warning",
        *deployment.arguments,
        app.target,
    ]
