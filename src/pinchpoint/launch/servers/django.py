"""Django's development server (`manage.py runserver`): one process, a thread for each connection.

It serves the WSGI application that the settings name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Framework, Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(
    package="django",
    interfaces=(Interface.WSGI,),
    frameworks=(Framework.DJANGO,),
    has_workers=False,
    threads=0,
)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    return [
        str(app.python),
        "-m",
        "django",
        "runserver",
        "--noreload",
        *deployment.arguments,
        f"127.0.0.1:{port}",
    ]
