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
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pinchpoint.load.response import MalformedError, Response
from pinchpoint.load.wire import ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.load.polling import Poller

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
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
"""The machine has no descriptor or no port left: the generator's limit, not the server's."""

ERROR_INDEX = {name: index for index, name in enumerate(ERRORS)}

Row = tuple[int, int, int, int, int, int, int, int, int]
"""The fields of `wire.RECORD`."""

Request = tuple[int, int, int, bytes, "Listener | None"]
"""Trace id, index of the template, intended start, the bytes to send, and who waits for the
answer. A plain tuple: one is made for each request."""


class Ended(NamedTuple):
    """How a request ended, for its listener.

    Attributes:
        status: 0 without a complete answer.
        error: Empty, or why there is none.
        cookies: Values of `Set-Cookie`.
        kept: The answer with its head, if the listener asked for it.
        completed_ns: When it ended.
    """

    status: int
    error: str
    cookies: Sequence[bytes]
    kept: bytes
    completed_ns: int


class Listener(Protocol):
    """Whoever goes on when a request has ended."""

    keeps_answer: bool

    def answered(self, ended: Ended) -> None:
        """The request has ended."""


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


class Client:
    """Sends requests to one address.

    Attributes:
        samples: One row for each request that has ended.
        in_flight: Requests that have begun and not ended.
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
        self.in_flight = 0
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
        self._connections: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._waiting: deque[Request] = deque()

    def begin(self, request: Request) -> None:
        """Send a request, now or as soon as a connection is free."""
        self.in_flight += 1
        if self._idle:
            connection = self._idle.popleft()
            connection.is_reused = True
            self._start(connection, request)
        elif len(self._connections) < self._most_connections:
            self._open(request)
        else:
            self._waiting.append(request)

    def handle(self, descriptor: int) -> None:
        """Go on with a connection that the poller found ready."""
        connection = self._connections.get(descriptor)
        if connection is None:
            return
        # A server may answer, or refuse, before it has read the whole request.
        if not connection.unsent or self._send(connection):
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
                self._record(request, now_ns, connection, error="timeout")
        while self._waiting and self._waiting[0][2] < oldest_ns:
            self._record(self._waiting.popleft(), now_ns, error="timeout")
        self._begin_waiting()

    def close_all(self) -> None:
        """Close the connections; none may be busy."""
        for connection in list(self._connections.values()):
            self._close(connection)
        self._idle.clear()

    def _begin_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._connections) < self._most_connections):
            self.in_flight -= 1
            self.begin(self._waiting.popleft())

    def _open(self, request: Request) -> None:
        """Send a request over a new connection."""
        try:
            opened = self._socket()
        except OSError as error:
            name = "exhausted" if error.errno in EXHAUSTED else "refused"
            self._record(request, perf_counter_ns(), error=name)
            return
        connection = Connection(opened)
        self._connections[opened.fileno()] = connection
        self._poller.watch(opened.fileno())
        self._start(connection, request)

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

    def _start(self, connection: Connection, request: Request) -> None:
        _, template, _, message, listener = request
        connection.request = request
        connection.response.begin(is_head_request=self._is_head[template])
        connection.kept = None if listener is None or not listener.keeps_answer else bytearray()
        connection.sent_ns = connection.first_byte_ns = connection.received_bytes = 0
        connection.unsent = message
        self._send(connection)

    def _send(self, connection: Connection) -> bool:
        """Hand bytes to the kernel; False if the connection is of no more use."""
        unsent = connection.unsent
        try:
            sent = connection.send(unsent)
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._watch_writes(connection, on=True)
        except ssl.SSLWantReadError:
            self._watch_writes(connection, on=False)  # the handshake waits for the server
        except OSError as error:
            # macOS says so while it connects, where Linux blocks.
            if error.errno != errno.ENOTCONN:
                self._break(connection, _name(error, connection))
                return False
            self._watch_writes(connection, on=True)
        else:
            connection.sent_ns = perf_counter_ns()
            connection.unsent = memoryview(unsent)[sent:] if sent < len(unsent) else b""
            if connection.unsent or connection.is_watching_writes:
                self._watch_writes(connection, on=bool(connection.unsent))
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
            self._break(connection, _name(error, connection))
            return
        now_ns = perf_counter_ns()
        if not data or connection.request is None:
            self._end(connection, now_ns)
            return
        if not connection.received_bytes:
            connection.first_byte_ns = now_ns
        connection.received_bytes += len(data)
        if connection.kept is not None and len(connection.kept) < MOST_KEPT_BYTES:
            connection.kept += data
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
        connection.request = None
        if connection.response.keeps_alive and not connection.unsent:
            self._idle.append(connection)
        else:
            self._close(connection)
        self._record(request, now_ns, connection, connection.response.status)

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
            self._open(request)
        else:
            self._record(request, perf_counter_ns(), connection, error=error)

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
        status: int = 0,
        error: str = "",
    ) -> None:
        trace_id, template, intended_ns, _, listener = request
        sent_ns = first_byte_ns = received_bytes = 0
        if connection is not None:
            sent_ns, first_byte_ns = connection.sent_ns, connection.first_byte_ns
            received_bytes = connection.received_bytes
        self.in_flight -= 1
        if error or status >= ERROR_STATUS:
            self.errors += 1
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
                ERROR_INDEX[error],
            )
        )
        if listener is not None:
            cookies = connection.response.cookies if connection is not None else ()
            kept = bytes(connection.kept or b"") if connection is not None else b""
            listener.answered(Ended(status, error, cookies, kept, completed_ns))


def _name(error: OSError, connection: Connection) -> str:
    """The word for a connection that failed, as in `wire.ERRORS`."""
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    has_been_open = connection.is_reused or connection.sent_ns
    return "reset" if has_been_open else "refused"
