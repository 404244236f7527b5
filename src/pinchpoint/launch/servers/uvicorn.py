"""uvicorn, the usual server of ASGI applications: an event loop in each worker process.

The access log is off: it costs a fifth of an empty request and is rarely on in production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(package="uvicorn", interfaces=(Interface.ASGI,))


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    is_factory = app.target.endswith("()")
    return [
        str(app.python),
        "-m",
        "uvicorn",
        "--host=127.0.0.1",
        f"--port={port}",
        f"--workers={deployment.workers}",
        "--no-access-log",
        "--log-level=warning",
        *(["--factory"] if is_factory else []),
        *deployment.arguments,
        app.target.removesuffix("()"),
    ]
