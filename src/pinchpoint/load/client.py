"""An HTTP/1.1 client that never waits: many requests in flight in one thread.

Connections are opened on demand up to a bound and used in turn, so that the workers of a
server get equal shares. Each request becomes exactly one row of `samples`, whatever happens.
"""

from __future__ import annotations

import errno
import socket
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from pinchpoint.load.response import MalformedError, Response
from pinchpoint.load.wire import ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.load.polling import Poller

RECEIVE_BYTES = 1 << 16
"""A larger buffer is mapped and unmapped by the allocator for each call, which costs more than
the call."""
ERROR_STATUS = 400
"""Answers from this status up count as errors."""

Row = tuple[int, int, int, int, int, int, int, int, int]
"""The fields of `wire.RECORD`."""


class Request(NamedTuple):
    """One request of the schedule; `template` and `path` are indexes."""

    trace_id: int
    template: int
    path: int
    intended_ns: int


class Connection:
    """A socket and the request that it is busy with, if any."""

    __slots__ = (
        "first_byte_ns",
        "is_reused",
        "received_bytes",
        "request",
        "response",
        "sent_ns",
        "socket",
        "unsent",
    )

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.request: Request | None = None
        self.response = Response()
        self.unsent = b""
        self.sent_ns = self.first_byte_ns = self.received_bytes = 0
        self.is_reused = False


class Client:
    """Sends requests to one address.

    Attributes:
        samples: One row for each request that has ended.
        in_flight: Requests that have begun and not ended.
        errors: Rows with an error or a status from ERROR_STATUS up.

    Args:
        address: Host and port.
        formats: By template and path, the bytes of a request with two places for integers:
            trace id and intended start.
        is_head: By template, whether its answers have no body.
        poller: Watches the connections.
        timeout_s: From the intended start.
        most_connections: Requests beyond them wait, and their time runs.
    """

    def __init__(  # noqa: PLR0913  # each is a fact of its own
        self,
        address: tuple[str, int],
        formats: Sequence[Sequence[bytes]],
        *,
        is_head: Sequence[bool],
        poller: Poller,
        timeout_s: float,
        most_connections: int,
    ) -> None:
        self.samples: list[Row] = []
        self.in_flight = 0
        self.errors = 0
        self._address = address
        self._family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._formats = formats
        self._is_head = is_head
        self._poller = poller
        self._timeout_ns = round(timeout_s * 1e9)
        self._most_connections = most_connections
        self._connections: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._waiting: deque[Request] = deque()

    def begin(self, request: Request) -> None:
        """Send a request, now or as soon as a connection is free."""
        self.in_flight += 1
        self._assign(request)

    def handle(self, descriptor: int) -> None:
        """Go on with a connection that the poller found ready."""
        connection = self._connections.get(descriptor)
        if connection is None:
            return
        if not connection.unsent:
            self._read(connection)
        elif self._send(connection):
            self._poller.watch_writes(descriptor, on=False)
        if self._waiting:
            self._assign_waiting()

    def expire(self, now_ns: int) -> None:
        """Give up the requests that have taken too long."""
        oldest_ns = now_ns - self._timeout_ns
        for connection in list(self._connections.values()):
            if connection.request is not None and connection.request.intended_ns < oldest_ns:
                self._close(connection)
                self._record(connection.request, now_ns, connection, error="timeout")
        while self._waiting and self._waiting[0].intended_ns < oldest_ns:
            self._record(self._waiting.popleft(), now_ns, error="timeout")
        self._assign_waiting()

    def close_all(self) -> None:
        """Close the connections; none may be busy."""
        for connection in list(self._connections.values()):
            self._close(connection)
        self._idle.clear()

    def _assign(self, request: Request) -> None:
        if self._idle:
            connection = self._idle.popleft()
            connection.is_reused = True
            self._start(connection, request)
        elif len(self._connections) < self._most_connections:
            self._open(request)
        else:
            self._waiting.append(request)

    def _assign_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._connections) < self._most_connections):
            self._assign(self._waiting.popleft())

    def _open(self, request: Request) -> None:
        opened = socket.socket(self._family)
        opened.settimeout(0)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if opened.connect_ex(self._address) not in {0, errno.EINPROGRESS}:
            opened.close()
            self._record(request, perf_counter_ns(), error="refused")
            return
        connection = Connection(opened)
        self._connections[opened.fileno()] = connection
        self._poller.watch(opened.fileno())
        self._start(connection, request)

    def _start(self, connection: Connection, request: Request) -> None:
        trace_id, template, path, intended_ns = request
        connection.request = request
        connection.response = Response(is_head_request=self._is_head[template])
        connection.unsent = self._formats[template][path] % (trace_id, intended_ns)
        connection.sent_ns = connection.first_byte_ns = connection.received_bytes = 0
        if not self._send(connection) and connection.unsent:
            self._poller.watch_writes(connection.socket.fileno(), on=True)

    def _send(self, connection: Connection) -> bool:
        """Hand bytes to the kernel; True when it has all of them."""
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            return False
        except OSError as error:
            # macOS says so while it connects, where Linux blocks.
            if error.errno != errno.ENOTCONN:
                is_refused = isinstance(error, ConnectionRefusedError)
                self._break(connection, "refused" if is_refused else "reset")
            return False
        connection.unsent = connection.unsent[sent:]
        connection.sent_ns = perf_counter_ns()
        return not connection.unsent

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._break(connection, "reset")
            return
        now_ns = perf_counter_ns()
        if not data or connection.request is None:
            self._end(connection, now_ns)
            return
        connection.first_byte_ns = connection.first_byte_ns or now_ns
        connection.received_bytes += len(data)
        try:
            if connection.response.feed(data):
                self._finish(connection, connection.request, now_ns)
        except MalformedError:
            self._break(connection, "malformed")

    def _end(self, connection: Connection, now_ns: int) -> None:
        """The server closed the connection, or spoke without being asked."""
        if connection.request is not None and connection.response.end():
            self._finish(connection, connection.request, now_ns)
        else:
            self._break(connection, "closed")

    def _finish(self, connection: Connection, request: Request, now_ns: int) -> None:
        response = connection.response
        self._record(request, now_ns, connection, status=response.status)
        connection.request = None
        if response.keeps_alive:
            self._idle.append(connection)
        else:
            self._close(connection)

    def _break(self, connection: Connection, error: str) -> None:
        """The connection is of no more use."""
        self._close(connection)
        if connection.request is None:
            self._idle.remove(connection)
        elif connection.is_reused and not connection.received_bytes:
            # The server may close an idle connection at any time: ask once more (RFC 9112 §9.3.1).
            self._open(connection.request)
        else:
            self._record(connection.request, perf_counter_ns(), connection, error=error)

    def _close(self, connection: Connection) -> None:
        descriptor = connection.socket.fileno()
        del self._connections[descriptor]
        self._poller.forget(descriptor)
        connection.socket.close()
        connection.unsent = b""

    def _record(
        self,
        request: Request,
        completed_ns: int,
        connection: Connection | None = None,
        *,
        status: int = 0,
        error: str = "",
    ) -> None:
        sent_ns = first_byte_ns = received_bytes = 0
        if connection is not None:
            sent_ns, first_byte_ns = connection.sent_ns, connection.first_byte_ns
            received_bytes = connection.received_bytes
        trace_id, template, _, intended_ns = request
        self.in_flight -= 1
        self.errors += bool(error) or status >= ERROR_STATUS
        self.samples.append(
            (
                trace_id,
                template,
                intended_ns,
                sent_ns,
                first_byte_ns,
                completed_ns,
                status,
                received_bytes,
                ERRORS.index(error),
            )
        )
