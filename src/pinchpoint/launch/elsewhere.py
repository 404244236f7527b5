"""An application that somebody else started: where it accepts, and whether it may be loaded."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.running import Running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

PORTS = {"http": 80, "https": 443}
CONNECT_TIMEOUT_S = 5.0


def locate(url: str, *, is_owned: bool) -> Running:
    """The application at a URL, after a look whether it accepts connections.

    Args:
        url: `http://127.0.0.1:8000`; the scheme may be left out, its path is not looked at.
        is_owned: The user has said that hosts off loopback are theirs.

    Raises:
        UsageError: It is no such URL, or its host is not on loopback and nobody owns it.
        LaunchError: The host has no address, or nothing accepts there.
    """
    split = split_url(url)
    host = split.hostname or ""
    port = split.port or PORTS[split.scheme]
    if not is_owned and not _is_loopback(host, port):
        raise UsageError(
            f"{host} is not this machine: load on other people's servers is an attack",
            "If the server is yours, and those who run it know of the test: --i-own-this.",
        )
    _try(host, port)
    return outside(
        App(
            target=f"{split.scheme}://{split.netloc}",
            interface=Interface.UNKNOWN,
            framework=Framework.UNKNOWN,
            directory=Path(),
            python=Path(),
        ),
        Deployment(server="unknown"),
        host=host,
        port=port,
        scheme=split.scheme,
    )


def outside(  # noqa: PLR0913  # where it is, in parts
    app: App, deployment: Deployment, *, host: str, port: int, pid: int = 0, scheme: str = "http"
) -> Running:
    """An application without a probe: whatever it is asked, it has no answer."""

    def ask(_command: str, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}

    return Running(
        app=app, deployment=deployment, host=host, port=port, pid=pid, ask=ask, scheme=scheme
    )


def split_url(url: str) -> SplitResult:
    """Take a URL apart; `localhost:8000` is meant as `http://localhost:8000`.

    Raises:
        UsageError: It is none, or not of HTTP.
    """
    try:
        split = urlsplit(url if "://" in url else f"http://{url}")
        is_wrong = split.scheme not in PORTS or not split.hostname or split.port == 0
    except ValueError:
        is_wrong = True
    if is_wrong or any(character.isspace() for character in url):
        raise UsageError(
            f"'{url}' is not the URL of a web server",
            "Give scheme, host and port, such as http://127.0.0.1:8000.",
        )
    if split.username is not None:
        raise UsageError(
            "a URL with a user's name in it would end up in the report",
            "Leave the name and the password out of the URL.",
        )
    return split


def _is_loopback(host: str, port: int) -> bool:
    """Whether all addresses of a host are on loopback; one that has none belongs to nobody."""
    addresses = _addresses(host, port)
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in addresses)


def _addresses(host: str, port: int) -> set[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise LaunchError(
            f"the host {host} has no address: {error}", "Is its name spelled right?"
        ) from error
    return {str(address[0]) for *_, address in found}


def _try(host: str, port: int) -> None:
    """Connect once.

    Raises:
        LaunchError: Nothing accepts.
    """
    _addresses(host, port)
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        reason = error.strerror or "no answer in time"
        raise LaunchError(
            f"nothing accepts connections on port {port} of {host}: {reason}",
            "Is the server running, and is the port right? To start it with the probe inside,"
            " which shows causes, too: pinchpoint run -- COMMAND.",
        ) from error
