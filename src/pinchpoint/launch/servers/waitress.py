"""waitress: one process with a pool of threads, in pure Python, for WSGI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(
    package="waitress",
    interfaces=(Interface.WSGI,),
    has_workers=False,
    threads=4,
    has_threads=True,
)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    is_factory = app.target.endswith("()")
    return [
        str(app.python),
        "-m",
        "waitress",
        f"--listen=127.0.0.1:{port}",
        f"--threads={deployment.threads}",
        *(["--call"] if is_factory else []),
        *deployment.arguments,
        app.target.removesuffix("()"),
    ]
