"""Where a URL leads: a name is resolved once, before the first request."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinchpoint.errors import LaunchError, UsageError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

PORTS = {"http": 80, "https": 443}
CONNECT_TIMEOUT_S = 1.0
"""For each of several addresses; one that takes longer is not the one that serves."""

Address = tuple[str, int] | tuple[str, int, int, int]


def resolve(base_url: str) -> Address:
    """Find the address of a server; of several, the first that accepts a connection.

    Raises:
        UsageError: The URL is none of a server that speaks HTTP.
        LaunchError: Its name is not known.
    """
    url = urlsplit(base_url)
    host, port = url.hostname, _port(url)
    if host is None:
        raise UsageError(f"'{base_url}' has no host; such as: http://127.0.0.1:8000")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise LaunchError(f"the name '{host}' leads nowhere: {error.strerror}") from error
    # On a platform without IPv6 the entries would be tuples of another kind.
    addresses: list[Address] = [entry[4] for entry in found]  # type: ignore[misc]
    if len(addresses) == 1:
        return addresses[0]
    return next((one for one in addresses if _accepts(one)), addresses[0])


def _port(url: SplitResult) -> int:
    if url.scheme not in PORTS:
        raise UsageError(f"'{url.geturl()}' is no URL of HTTP; such as: http://127.0.0.1:8000")
    try:
        return url.port or PORTS[url.scheme]
    except ValueError as error:
        raise UsageError(f"'{url.geturl()}' has no valid port: {error}") from error


def _accepts(address: Address) -> bool:
    try:
        socket.create_connection(address[:2], timeout=CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
