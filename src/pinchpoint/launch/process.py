"""Start an application under its server, wait until it accepts, and stop exactly that."""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.launch.inject import Probe
from pinchpoint.model.app import Deployment, Interface
from pinchpoint.model.running import Running
from pinchpoint.plugins import load_plugin, load_plugins

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from types import ModuleType

    from pinchpoint.launch.guardian import Child, Guardian
    from pinchpoint.model.app import App

SERVERS = "pinchpoint.launch.servers"
HOST = "127.0.0.1"
STOP_GRACE_S = 5.0


def load_servers() -> Mapping[str, ModuleType]:
    """All servers that an application can be started under, by name."""
    return load_plugins(SERVERS, "command", "MODULE", "INTERFACES", "DEFAULT_WORKERS")


def choose_deployment(app: App, server: str = "", workers: int = 0, threads: int = 1) -> Deployment:
    """Complete what the user said: the usual server of the app's interface, its default workers.

    Raises:
        UsageError: The server is unknown or does not speak the app's interface.
    """
    name = server or ("gunicorn" if app.interface is Interface.WSGI else "uvicorn")
    plugin = load_plugin(SERVERS, name, "command", "MODULE", "INTERFACES", "DEFAULT_WORKERS")
    if app.interface not in plugin.INTERFACES:
        raise UsageError(
            f"{name} does not serve {app.interface.upper()} applications, and {app.target} is one",
            "Leave --server out to get the usual one.",
        )
    return Deployment(server=name, workers=workers or plugin.DEFAULT_WORKERS, threads=threads)


@contextmanager
def launch(  # noqa: PLR0913  # each is one way in which arms differ
    guardian: Guardian,
    app: App,
    deployment: Deployment,
    *,
    name: str = "app",
    port: int = 0,
    timeout_s: float = 60.0,
    allowed_hosts: Sequence[str] = (),
    databases: Mapping[str, str] | None = None,
    change: Mapping[str, Any] | None = None,
) -> Generator[tuple[Running, Probe, Child]]:
    """Run an application with the probe inside for as long as the context lasts.

    Args:
        guardian: Owns the process.
        app: What to start.
        deployment: How.
        name: For messages, and the beginning of the names of its folder and log.
        port: Where to accept; 0 for a free one.
        timeout_s: How long it may take to accept.
        allowed_hosts: Hosts off loopback that the application may reach.
        databases: The clone to open instead of each database.
        change: The fix to apply at start: `file` and `parameters`.

    Yields:
        The application, its probe, and the process of its server.

    Raises:
        LaunchError: It ended, or did not accept in time; the message has the end of its log.
    """
    port = _claim_port(port)
    probe = Probe.create(Path(mkdtemp(prefix=f"probe-{name}-", dir=guardian.folder)))
    variables = probe.environment(
        app, allowed_hosts=allowed_hosts, databases=databases, change=change
    )
    child = guardian.start(
        load_plugin(SERVERS, deployment.server).command(app, deployment, port),
        name=name,
        cwd=app.directory,
        environment={**os.environ, **app.environment, **deployment.environment, **variables},
        log=probe.folder.with_suffix(".log"),
    )
    try:
        _wait_until_accepting(child, app, deployment, port, timeout_s)
        running = _running(app, deployment, probe, port, child.pid)
        _check_probe(running, child)
        yield running, probe, child
    finally:
        child.stop(STOP_GRACE_S)


def _running(app: App, deployment: Deployment, probe: Probe, port: int, pid: int) -> Running:
    def ask(command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return probe.ask(HOST, port, command, arguments)

    return Running(app=app, deployment=deployment, host=HOST, port=port, pid=pid, ask=ask)


def _claim_port(port: int) -> int:
    """The port asked for, if it is free, or a free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LaunchError(
                f"port {port} of {HOST} is taken: {error.strerror}",
                "Stop what listens there, or leave --port out to get a free one.",
            ) from error
        return int(probe.getsockname()[1])


def _wait_until_accepting(
    child: Child, app: App, deployment: Deployment, port: int, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise _ended(child, app, deployment.server)
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise LaunchError(
        f"the application did not accept connections within {timeout_s:g} s"
        f"\n\n{child.tail()}".rstrip(),
        "Does a migration or a service keep it waiting? If it is only slow: --start-timeout.",
    )


def _ended(child: Child, app: App, server: str) -> LaunchError:
    """Why the server's process is gone."""
    tail = child.tail()
    if f"No module named {server}" in tail:
        return LaunchError(
            f"{server} is not installed in the environment of {app.python}",
            f"{app.python} -m pip install {server}",
        )
    return LaunchError(
        f"the application ended while it started:\n\n{tail}",
        "The end of its log above names the cause.",
    )


def _check_probe(running: Running, child: Child) -> None:
    """Ask the probe for its state: it must be inside, and a first worker must live."""
    try:
        running.ask("state", {})
    except LaunchError as error:
        tail = child.tail()
        raise LaunchError(f"{error}\n\n{tail}".rstrip(), error.remedy) from error
