"""Start an application under its server, wait until it accepts, and stop exactly that."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from pinchpoint.errors import LaunchError
from pinchpoint.launch.deployment import check_deployment, load_server
from pinchpoint.launch.inject import Probe
from pinchpoint.model.running import Running

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pinchpoint.launch.guardian import Child, Guardian
    from pinchpoint.model.app import App, Deployment

HOST = "127.0.0.1"
STOP_GRACE_S = 5.0


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
        UsageError: Its server cannot run it like that.
    """
    check_deployment(app, deployment)
    port = _claim_port(port)
    probe = Probe.create(Path(mkdtemp(prefix=f"probe-{name}-", dir=guardian.folder)))
    variables = probe.environment(
        app, allowed_hosts=allowed_hosts, databases=databases, change=change
    )
    child = guardian.start(
        _command(app, deployment, port),
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


def _command(app: App, deployment: Deployment, port: int) -> list[str]:
    command: list[str] = load_server(deployment.server).command(app, deployment, port)
    if shutil.which(command[0]) is None:
        raise _missing(app, deployment.server)
    return command


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
    module = load_server(server).TRAITS.package.partition("[")[0]
    if f"No module named {module}" in tail:
        return _missing(app, server)
    return LaunchError(
        f"the application ended while it started:\n\n{tail}",
        "The end of its log above names the cause.",
    )


def _missing(app: App, server: str) -> LaunchError:
    return LaunchError(
        f"{server} is not installed in the environment of {app.python}",
        f"{app.python} -m pip install {shlex.quote(load_server(server).TRAITS.package)}",
    )


def _check_probe(running: Running, child: Child) -> None:
    """Ask the probe for its state: it must be inside, and a first worker must live."""
    try:
        running.ask("state", {})
    except LaunchError as error:
        tail = child.tail()
        raise LaunchError(f"{error}\n\n{tail}".rstrip(), error.remedy) from error
