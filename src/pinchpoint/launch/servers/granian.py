"""granian: HTTP in Rust; an event loop (ASGI) or threads (WSGI) in each worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(
    package="granian", interfaces=(Interface.ASGI, Interface.WSGI), threads=4, has_threads=True
)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    is_factory = app.target.endswith("()")
    is_wsgi = app.interface is Interface.WSGI
    return [
        str(app.python),
        "-m",
        "granian",
        f"--interface={app.interface}",
        "--host=127.0.0.1",
        f"--port={port}",
        f"--workers={deployment.workers}",
        *([f"--blocking-threads={deployment.threads}"] if is_wsgi else []),
        "--log-level=warning",
        *(["--factory"] if is_factory else []),
        *deployment.arguments,
        app.target.removesuffix("()"),
    ]
