"""Whether this machine has room for the connections: open files and ports."""

from __future__ import annotations

import resource
from pathlib import Path

from pinchpoint.errors import LaunchError

SPARE_FILES = 64
"""Descriptors beside the connections: the libraries', the log, the channel."""
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def check_room(connections: int) -> None:
    """Say before the run what would otherwise fail in it.

    Raises:
        LaunchError: So many connections are not allowed to a process, or have no port.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < connections + SPARE_FILES:
        raise LaunchError(
            f"{connections} connections need {connections + SPARE_FILES} open files,"
            f" and this machine allows {hard} to a process",
            "Raise the limit (`ulimit -Hn` shows it), or ask for fewer connections.",
        )
    ports = _ports()
    if ports is not None and ports < connections:
        raise LaunchError(
            f"{connections} connections need as many ports, and this machine gives out {ports}",
            f"Widen the range in {PORT_RANGE}, or ask for fewer connections.",
        )


def raise_open_files(connections: int) -> None:
    """Raise this process's soft limit of open files, if it is low and may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _ports() -> int | None:
    """Ports for outgoing connections to one address; None where the system does not say."""
    if not PORT_RANGE.exists():
        return None
    first, last = map(int, PORT_RANGE.read_text("ascii").split())
    return last - first + 1
