"""Choose how an application is run, and refuse what its server cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.model.app import Deployment, Interface
from pinchpoint.plugins import load_plugin

if TYPE_CHECKING:
    from types import ModuleType

    from pinchpoint.launch.traits import Traits
    from pinchpoint.model.app import App

SERVERS = "pinchpoint.launch.servers"


def load_server(name: str) -> ModuleType:
    """One server by its name.

    Raises:
        UsageError: There is none; the message lists the known ones.
    """
    return load_plugin(SERVERS, name, "command", "TRAITS")


def choose_deployment(app: App, server: str = "", workers: int = 0, threads: int = 0) -> Deployment:
    """Complete what the user said: the usual server of the app's interface and its defaults.

    Args:
        app: What is to be run.
        server: Its name; empty for the usual one.
        workers: 0 for the server's default.
        threads: Of each worker; 0 as above.

    Raises:
        UsageError: The server is unknown, or cannot run the application like that.
    """
    name = server or ("gunicorn" if app.interface is Interface.WSGI else "uvicorn")
    traits: Traits = load_server(name).TRAITS
    is_wsgi = app.interface is Interface.WSGI
    deployment = Deployment(
        server=name,
        workers=workers or traits.workers,
        threads=threads or (traits.threads if is_wsgi else 1),
    )
    check_deployment(app, deployment)
    return deployment


def check_deployment(app: App, deployment: Deployment) -> None:
    """Refuse what a server cannot do, so that no experiment compares an arm with itself.

    Raises:
        UsageError: It does not speak the app's interface or does not serve its framework, or
            has no such number of workers or threads.
    """
    name = deployment.server
    traits: Traits = load_server(name).TRAITS
    if app.interface not in traits.interfaces:
        raise UsageError(
            f"{name} does not serve {app.interface.upper()} applications, and {app.target} is one",
            "Leave --server out to get the usual one.",
        )
    if traits.frameworks and app.framework not in traits.frameworks:
        raise UsageError(
            f"{name} is the development server of one framework, which {app.target} is not"
            " written in",
            "Leave --server out to get the usual one.",
        )
    if deployment.workers > 1 and not traits.has_workers:
        raise UsageError(
            f"{name} has a single process, not {deployment.workers} workers",
            "Leave --workers out, or choose another server.",
        )
    usual = traits.threads if app.interface is Interface.WSGI else 1
    has_threads = traits.has_threads and app.interface is Interface.WSGI
    if deployment.threads != usual and not has_threads:
        raise UsageError(
            f"{name} has no number of threads that can be chosen for {app.interface.upper()}"
            " applications",
            "Leave --threads out, or choose another server.",
        )
