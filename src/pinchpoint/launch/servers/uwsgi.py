"""uWSGI, from the packages uwsgi or pyuwsgi: worker processes with threads, for WSGI.

It is started without its `http` router in front, so that a request waits in one queue only;
answers close their connection then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.launch.traits import Traits
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from pinchpoint.model.app import App, Deployment

TRAITS = Traits(package="pyuwsgi", interfaces=(Interface.WSGI,), workers=2, has_threads=True)


def command(app: App, deployment: Deployment, port: int) -> list[str]:
    """The command line that serves `app` on a port of loopback."""
    return [
        str(app.python.with_name("uwsgi")),
        f"--http-socket=127.0.0.1:{port}",
        f"--processes={deployment.workers}",
        f"--threads={deployment.threads}",
        "--master",
        "--die-on-term",
        "--need-app",
        "--single-interpreter",
        "--disable-logging",
        "--listen=100",  # as long as a queue may be without the rights of root
        "--buffer-size=32768",
        *deployment.arguments,
        f"--module={app.target}",
    ]
