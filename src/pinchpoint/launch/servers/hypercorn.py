"""hypercorn: an event loop in each worker process; WSGI applications run in threads beside it.

The number of these threads cannot be chosen: it is that of asyncio's default executor,
`min(32, cores + 4)`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(
    package="hypercorn",
    interfaces=(Interface.ASGI, Interface.WSGI),
    threads=min(32, (os.cpu_count() or 1) + 4),
)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    return [
        str(app.python),
        "-m",
        "hypercorn",
        f"--bind=127.0.0.1:{port}",
        f"--workers={deployment.workers}",
        "--log-level=warning",
        *deployment.arguments,
        f"{app.interface}:{app.target}",
    ]
