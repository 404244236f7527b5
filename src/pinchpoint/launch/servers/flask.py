"""Flask's development server (`flask run`): one process, a thread for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Framework, Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(
    package="flask",
    interfaces=(Interface.WSGI,),
    frameworks=(Framework.FLASK,),
    has_workers=False,
    threads=0,
)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    return [
        str(app.python),
        "-m",
        "flask",
        f"--app={app.target}",
        "run",
        "--host=127.0.0.1",
        f"--port={port}",
        "--no-reload",
        "--no-debugger",
        *deployment.arguments,
    ]
