"""A connection to the server, and the request that it is busy with."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, Protocol

from pinchpoint.load.response import Response

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
"""The machine has no descriptor or no port left: the generator's limit, not the server's."""

Request = tuple[int, int, int, bytes, "Listener | None"]
"""Trace id, index of the template, intended start, the bytes to send, and who waits for the
answer. A plain tuple: one is made for each request."""


class Listener(Protocol):
    """Whoever goes on when a request has ended."""

    @property
    def keeps_answer(self) -> bool:
        """Whether it wants to read the answer itself."""

    def answered(
        self, status: int, error: str, cookies: Sequence[bytes], kept: bytes, completed_ns: int
    ) -> None:
        """The request has ended.

        Args:
            status: 0 without a complete answer.
            error: Empty, or why there is none.
            cookies: Values of `Set-Cookie`.
            kept: The answer with its head, if that was asked for.
            completed_ns: When it ended.
        """


class Connection:
    """A socket and the request that it is busy with, if any."""

    __slots__ = (
        "first_byte_ns",
        "is_reused",
        "is_watching_writes",
        "kept",
        "received_bytes",
        "recv",
        "request",
        "response",
        "send",
        "sent_ns",
        "socket",
        "unsent",
    )

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.send, self.recv = opened.send, opened.recv
        self.request: Request | None = None
        self.response = Response()
        self.unsent: bytes | memoryview = b""
        self.kept: bytearray | None = None
        self.sent_ns = self.first_byte_ns = self.received_bytes = 0
        self.is_reused = self.is_watching_writes = False


def word_for(error: OSError, connection: Connection | None = None) -> str:
    """The word for a connection that failed, as in `wire.ERRORS`.

    Args:
        error: What the system or the TLS library says.
        connection: None if there never was one.
    """
    if isinstance(error, ssl.SSLError):
        return "tls"
    if error.errno in EXHAUSTED:
        return "exhausted"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    has_been_open = connection is not None and (connection.is_reused or connection.sent_ns)
    return "reset" if has_been_open else "refused"
