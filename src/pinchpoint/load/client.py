"""An HTTP/1.1 client that never waits: many requests in flight in one thread.

Connections are opened on demand up to a bound and used in turn, so that the workers of a
server get equal shares. Each request becomes exactly one row of `samples`, whatever happens.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING

from pinchpoint.load.connection import Connection, word_for
from pinchpoint.load.response import NO_HEAD, MalformedError, read_whole
from pinchpoint.load.wire import ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.load.connection import Request
    from pinchpoint.load.polling import Poller
    from pinchpoint.load.response import Head, Response

RECEIVE_BYTES = 1 << 16
"""A larger buffer is mapped and unmapped by the allocator for each call, which costs more than
the call."""
MOST_KEPT_BYTES = 1 << 20
"""Of an answer that values are taken from; what comes later is counted, not kept."""
ERROR_STATUS = 400
"""Answers from this status up count as errors."""
IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
"""Methods that may be sent once more when an idle connection turns out to be closed
(RFC 9110 §9.2.2, RFC 9112 §9.3.1)."""
ERROR_INDEX = {name: index for index, name in enumerate(ERRORS)}

Row = tuple[int, int, int, int, int, int, int, int, int]
"""The fields of `wire.RECORD`."""


class Client:
    """Sends requests to one address.

    Attributes:
        samples: One row for each request that has ended.
        errors: Rows with an error or a status from ERROR_STATUS up.

    Args:
        address: Of the socket, resolved: host and port, and what else the family has.
        methods: By template.
        poller: Watches the connections.
        timeout_s: From the intended start.
        most_connections: Requests beyond them wait, and their time runs.
        tls: For an encrypted connection; None for a plain one.
        server_name: That its certificate must be for.
    """

    def __init__(  # noqa: PLR0913  # each is a fact of its own
        self,
        address: tuple[str, int] | tuple[str, int, int, int],
        methods: Sequence[str],
        *,
        poller: Poller,
        timeout_s: float,
        most_connections: int,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        self.samples: list[Row] = []
        self.errors = 0
        self._address = address
        self._family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._is_head = [method == "HEAD" for method in methods]
        self._is_idempotent = [method in IDEMPOTENT for method in methods]
        self._poller = poller
        self._timeout_ns = round(timeout_s * 1e9)
        self._most_connections = most_connections
        self._tls = tls
        self._server_name = server_name
        self._like = NO_HEAD
        self._connections: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._waiting: deque[Request] = deque()

    @property
    def in_flight(self) -> int:
        """Requests that have begun and not ended."""
        return len(self._connections) - len(self._idle) + len(self._waiting)

    def begin(self, request: Request) -> None:
        """Send a request, now or as soon as a connection is free."""
        if self._idle:
            connection = self._idle.popleft()
            connection.is_reused = True
        elif len(self._connections) < self._most_connections:
            opened = self._open(request)
            if opened is None:
                return
            connection = opened
        else:
            self._waiting.append(request)
            return
        _, _, _, message, listener = request
        connection.request = request
        connection.sent_ns = connection.received_bytes = 0
        connection.kept = bytearray() if listener is not None and listener.keeps_answer else None
        try:
            sent = connection.send(message)
        except OSError as error:
            connection.unsent = message
            self._wait_or_break(connection, error)
            return
        connection.sent_ns = perf_counter_ns()
        if sent < len(message):
            connection.unsent = memoryview(message)[sent:]
            self._watch_writes(connection, on=True)

    def handle(self, descriptors: Sequence[int]) -> None:
        """Go on with the connections that the poller found ready; others are passed over."""
        for descriptor in descriptors:
            connection = self._connections.get(descriptor)
            # A server may answer, or refuse, before it has read the whole request.
            if connection is not None and (not connection.unsent or self._send(connection)):
                self._read(connection)
        if self._waiting:
            self._begin_waiting()

    def expire(self, now_ns: int) -> None:
        """Give up the requests that have taken too long."""
        oldest_ns = now_ns - self._timeout_ns
        for connection in list(self._connections.values()):
            request = connection.request
            if request is not None and request[2] < oldest_ns:
                self._close(connection)
                self._fail(request, "timeout", now_ns, connection)
        while self._waiting and self._waiting[0][2] < oldest_ns:
            self._fail(self._waiting.popleft(), "timeout", now_ns)
        self._begin_waiting()

    def close_all(self) -> None:
        """Close the connections; none may be busy."""
        for connection in list(self._connections.values()):
            self._close(connection)
        self._idle.clear()

    def _begin_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._connections) < self._most_connections):
            self.begin(self._waiting.popleft())

    def _open(self, request: Request) -> Connection | None:
        """A new connection; None if there can be none, which ends the request."""
        try:
            opened = self._socket()
        except OSError as error:
            self._fail(request, word_for(error), perf_counter_ns())
            return None
        connection = Connection(opened)
        self._connections[opened.fileno()] = connection
        self._poller.watch(opened.fileno())
        return connection

    def _socket(self) -> socket.socket:
        """A socket that begins to connect."""
        opened = socket.socket(self._family)
        try:
            opened.settimeout(0)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                # Sending does the handshake, as far as it goes without waiting.
                opened = self._tls.wrap_socket(
                    opened, server_hostname=self._server_name, do_handshake_on_connect=False
                )
            status = opened.connect_ex(self._address)
            if status not in {0, errno.EINPROGRESS}:
                raise OSError(status, "cannot connect")  # noqa: TRY301  # closes it below
        except OSError:
            opened.close()
            raise
        return opened

    def _send(self, connection: Connection) -> bool:
        """Hand over what is left of a request; False if the connection is of no more use."""
        try:
            sent = connection.send(connection.unsent)
        except OSError as error:
            return self._wait_or_break(connection, error)
        connection.sent_ns = perf_counter_ns()
        connection.unsent = memoryview(connection.unsent)[sent:]
        self._watch_writes(connection, on=bool(connection.unsent))
        return True

    def _wait_or_break(self, connection: Connection, error: OSError) -> bool:
        """What to do when nothing can be sent; False if the connection is of no more use."""
        if isinstance(error, ssl.SSLWantReadError):
            self._watch_writes(connection, on=False)  # the handshake waits for the server
        # macOS says ENOTCONN while it connects, where Linux blocks.
        elif isinstance(error, BlockingIOError | ssl.SSLWantWriteError) or (
            error.errno == errno.ENOTCONN
        ):
            self._watch_writes(connection, on=True)
        else:
            self._break(connection, word_for(error, connection))
            return False
        return True

    def _watch_writes(self, connection: Connection, *, on: bool) -> None:
        if connection.is_watching_writes != on:
            connection.is_watching_writes = on
            self._poller.watch_writes(connection.socket.fileno(), on=on)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.recv(RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self._break(connection, word_for(error, connection))
            return
        now_ns = perf_counter_ns()
        request = connection.request
        if not data or request is None:
            self._end(connection, now_ns)
            return
        if connection.kept is not None and len(connection.kept) < MOST_KEPT_BYTES:
            connection.kept += data
        is_first = not connection.received_bytes
        connection.received_bytes += len(data)
        response = connection.response
        if is_first:
            connection.first_byte_ns = now_ns
            whole = read_whole(data, self._like)
            if whole is not None:
                self._like = whole
                self._finish(connection, request, whole, now_ns)
                return
            response.begin(is_head_request=self._is_head[request[1]])
        try:
            if response.feed(data):
                self._finish(connection, request, response, now_ns)
        except MalformedError:
            self._break(connection, "malformed")

    def _end(self, connection: Connection, now_ns: int) -> None:
        """The server closed the connection, or spoke without being asked."""
        request, response = connection.request, connection.response
        if request is not None and connection.received_bytes and response.end():
            self._finish(connection, request, response, now_ns)
        else:
            self._break(connection, "closed")

    def _finish(
        self, connection: Connection, request: Request, answer: Head | Response, now_ns: int
    ) -> None:
        connection.request = None
        if answer.keeps_alive and not connection.unsent:
            self._idle.append(connection)
        else:
            self._close(connection)
        trace_id, template, intended_ns, _, listener = request
        status = answer.status
        if status >= ERROR_STATUS:
            self.errors += 1
        self.samples.append(
            (
                trace_id,
                template,
                intended_ns,
                connection.sent_ns,
                connection.first_byte_ns,
                now_ns,
                status,
                connection.received_bytes,
                0,
            )
        )
        if listener is not None:
            kept = bytes(connection.kept or b"")
            listener.answered(status, "", answer.cookies, kept, now_ns)

    def _break(self, connection: Connection, error: str) -> None:
        """The connection is of no more use."""
        self._close(connection)
        request = connection.request
        if request is None:
            self._idle.remove(connection)
        elif (
            connection.is_reused
            and not connection.received_bytes
            and self._is_idempotent[request[1]]
        ):
            # The server may close an idle connection at any time: ask once more.
            self.begin(request)
        else:
            self._fail(request, error, perf_counter_ns(), connection)

    def _close(self, connection: Connection) -> None:
        descriptor = connection.socket.fileno()
        del self._connections[descriptor]
        self._poller.forget(descriptor)
        connection.socket.close()
        connection.unsent = b""

    def _fail(
        self, request: Request, error: str, now_ns: int, connection: Connection | None = None
    ) -> None:
        """Record a request that has no answer; without a connection it was never sent."""
        trace_id, template, intended_ns, _, listener = request
        sent_ns = first_byte_ns = received_bytes = 0
        if connection is not None:
            sent_ns, received_bytes = connection.sent_ns, connection.received_bytes
            first_byte_ns = connection.first_byte_ns if received_bytes else 0
        self.errors += 1
        self.samples.append(
            (
                trace_id,
                template,
                intended_ns,
                sent_ns,
                first_byte_ns,
                now_ns,
                0,
                received_bytes,
                ERROR_INDEX[error],
            )
        )
        if listener is not None:
            listener.answered(0, error, (), b"", now_ns)
