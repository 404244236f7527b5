"""Start an application by the user's own command, and find where it accepts."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import psutil

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.launch.elsewhere import outside
from pinchpoint.launch.inject import NoProbeError, Probe
from pinchpoint.launch.process import STOP_GRACE_S
from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.running import Running

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from pinchpoint.launch.guardian import Child, Guardian

POLL_S = 0.1
SETTLE_S = 3.0
"""A port that answers without the probe may be a side door, such as one for metrics: so long
another one may open."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104  # read, not bound
FRAMEWORKS = ("django", "fastapi", "flask", "starlette")
IGNORING = frozenset("IES")
"""Flags of Python that ignore PYTHONPATH (-I, -E) or load no sitecustomize (-I, -S)."""

Address = tuple[str, int]


def words_of(command: Sequence[str]) -> tuple[str, ...]:
    """The words of a command; one that was typed in quotes is taken apart as a shell would.

    Raises:
        UsageError: There is none, its quotes do not match, or no such program.
    """
    words = tuple(command)
    try:
        if len(words) == 1:
            words = tuple(shlex.split(words[0]))
    except ValueError as error:
        raise UsageError(f"cannot read the command {command[0]}: {error}") from error
    if not words:
        raise UsageError(
            "no command was given", "Give it after two dashes: pinchpoint run -- gunicorn app:app"
        )
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"no program '{words[0]}' on the PATH",
            f"Activate the project's environment, or give the path: .venv/bin/{words[0]}.",
        )
    return words


@contextmanager
def launch_command(  # noqa: PLR0913  # as `launch`
    guardian: Guardian,
    words: Sequence[str],
    directory: Path,
    *,
    port: int = 0,
    timeout_s: float = 60.0,
    allowed_hosts: Sequence[str] = (),
) -> Generator[tuple[Running, Probe | None, Child]]:
    """Run the user's command with the probe in its environment for as long as the context lasts.

    Args:
        guardian: Owns the process.
        words: The command, as from `words_of`.
        directory: Where it runs.
        port: Where it accepts; 0 to find it among the sockets of its processes.
        timeout_s: How long it may take to accept.
        allowed_hosts: Hosts off loopback that the application may reach.

    Yields:
        The application, its probe or None if the probe is not inside, and its first process.

    Raises:
        LaunchError: It ended, or did not accept in time; the message has the end of its log.
    """
    app = App(
        target=shlex.join([Path(words[0]).name, *words[1:]]),
        interface=Interface.UNKNOWN,
        framework=Framework.UNKNOWN,
        directory=directory.absolute(),
        python=Path(),
        command=tuple(words),
    )
    probe = Probe.create(Path(mkdtemp(prefix="probe-app-", dir=guardian.folder)))
    child = guardian.start(
        words,
        name=words[0],
        cwd=directory,
        environment={**os.environ, **probe.environment(app, allowed_hosts=allowed_hosts)},
        log=probe.folder.with_suffix(".log"),
    )
    try:
        address, state = _wait(child, probe, port, timeout_s)
        running = _running(app, probe, address, child.pid, state)
        yield running, probe if state else None, child
    finally:
        child.stop(STOP_GRACE_S)


def why_no_probe(pid: int) -> str:
    """Why the probe is not inside a process tree, and how it gets in, as one sentence."""
    for process in _tree(pid):
        with suppress(psutil.Error):
            if flag := _ignoring_flag(process.cmdline()):
                return (
                    f"Python was started with {flag}, which ignores PYTHONPATH or sitecustomize,"
                    f" so that the probe is not loaded: leave {flag} out of the command"
                )
    return (
        "the probe is not inside: it loads through PYTHONPATH into a Python process that serves"
        " WSGI or ASGI; a command that clears the environment, or a container, keeps it out"
    )


def _ignoring_flag(command: Sequence[str]) -> str:
    if not command or not Path(command[0]).name.startswith("python"):
        return ""
    for word in command[1:]:
        if not word.startswith("-") or word in {"-m", "-c", "-"}:
            return ""
        if IGNORING & set(word[1:]) and not word.startswith("--"):
            return word
    return ""


def server_name(words: Sequence[str]) -> str:
    """What serves: `gunicorn` for `python -m gunicorn` as well as for `bin/gunicorn`."""
    names = [Path(word).name for word in words]
    if not names[0].startswith("python"):
        return names[0]
    if "-m" in words[:-1]:
        return names[words.index("-m") + 1]
    return next((name for name in names[1:] if not name.startswith("-")), names[0])


def _wait(
    child: Child, probe: Probe, port: int, timeout_s: float
) -> tuple[Address, Mapping[str, Any]]:
    """Where it accepts, and the state of its probe; an empty one if that is not inside."""
    deadline = time.monotonic() + timeout_s
    without: dict[Address, float] = {}
    while time.monotonic() < deadline:
        if (status := child.poll()) is not None:
            raise _ended(child, status)
        for address in _listening(child.pid, port):
            try:
                return address, probe.ask(*address, "state", {})
            except NoProbeError:
                without.setdefault(address, time.monotonic() + SETTLE_S)
            except LaunchError:
                continue
        for address, settled in without.items():
            if time.monotonic() > settled:
                return address, {}
        time.sleep(POLL_S)
    raise _silent(child, port, timeout_s)


def _listening(pid: int, port: int) -> list[Address]:
    """Where the processes of a tree accept, each address once; only on `port` if it is given."""
    found = dict.fromkeys(
        (ANYWHERE.get(one.laddr.ip, one.laddr.ip), one.laddr.port)
        for process in _tree(pid)
        for one in _sockets(process)
        if port in {0, one.laddr.port}
    )
    return [address for address in found if _accepts(address)]


def _sockets(process: psutil.Process) -> Iterator[Any]:
    with suppress(psutil.Error):
        for one in process.net_connections(kind="tcp"):
            if one.status == psutil.CONN_LISTEN:
                yield one


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _accepts(address: Address) -> bool:
    with suppress(OSError):
        socket.create_connection(address, timeout=1).close()
        return True
    return False


def _running(
    app: App, probe: Probe, address: Address, pid: int, state: Mapping[str, Any]
) -> Running:
    host, port = address
    deployment = Deployment(server=server_name(app.command))
    if not state:
        return outside(app, deployment, host=host, port=port, pid=pid)

    def ask(command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return probe.ask(host, port, command, arguments)

    app = _described(app, state)
    return Running(app=app, deployment=deployment, host=host, port=port, pid=pid, ask=ask)


def _described(app: App, state: Mapping[str, Any]) -> App:
    names = [name for name in FRAMEWORKS if name in state.get("hooked", {})]
    return replace(
        app,
        interface=Interface(state["interface"]),
        framework=Framework(names[0]) if names else Framework.UNKNOWN,
    )


def _ended(child: Child, status: int) -> LaunchError:
    remedy = "The end of its log above names the cause."
    if status == 0:
        remedy = "A server that goes to the background cannot be observed: keep it in front."
    tail = child.tail()
    return LaunchError(
        f"the command ended with exit status {status} before it accepted connections"
        f"\n\n{tail}".rstrip(),
        remedy,
    )


def _silent(child: Child, port: int, timeout_s: float) -> LaunchError:
    found = [f"port {address[1]}" for address in _listening(child.pid, port)]
    where = f"answered no HTTP request on {', '.join(found)}"
    if not found:
        where = f"does not accept on port {port}" if port else "accepts on no TCP port"
    return LaunchError(
        f"after {timeout_s:g} s the command {where}\n\n{child.tail()}".rstrip(),
        "It has to serve plain HTTP on a TCP port, not on a Unix socket and not by TLS;"
        " if it is only slow: --start-timeout.",
    )
