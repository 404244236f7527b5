"""An HTTP server whose misbehaviour is chosen by the path, and that keeps its own times."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
ANSWERS = {
    "/plain": OK,
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "/close": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    "/delimited": b"HTTP/1.1 200 OK\r\nServer: scripted\r\n\r\nhello",
    "/silent-close": OK,
    "/large": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    "/failing": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "/garbage": b"this is no answer\r\n\r\n",
    "/cut": OK[:-2],
    "/nothing": b"",
}
CLOSING = {"/close", "/delimited", "/silent-close", "/garbage", "/cut", "/nothing"}
"""After these the server closes; only one of them says so."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer by the server's clock, which is the client's; `ready_ns` is before it is sent."""

    intended_ns: int
    ready_ns: int


@dataclass
class ScriptedServer:
    """Use as a context; one thread for each connection.

    Attributes:
        answered: By trace id.
        connections: Accepted so far.
        stall_s: For how long all answers wait, once, from the `stall_at`th request on.
    """

    stall_at: int = 0
    stall_s: float = 0.0
    connections: int = 0
    answered: dict[int, Answered] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._lock = threading.Lock()
        self._requests = 0
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()
        for thread in self._threads:
            thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def die(self) -> None:
        """Stop as a killed process does: connections are reset, new ones refused."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.add(connection)
                thread = threading.Thread(target=self._serve, args=[connection])
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            buffer = b""
            while data := connection.recv(65536):
                buffer += data
                while b"\r\n\r\n" in buffer:
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    if not self._answer(connection, head.decode()):
                        return
        self._open.discard(connection)

    def _answer(self, connection: socket.socket, head: str) -> bool:
        """Answer one request; False if the connection is to be closed."""
        method, path, headers = head.split(None, 2)
        if path == "/never":
            return True
        self._stall()
        if path == "/reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        answer = ANSWERS[path]
        if method == "HEAD":
            answer = answer[: answer.index(b"\r\n\r\n") + 4]
        if trace := re.search(r"X-Pinchpoint: (\d+)-(\d+)", headers):
            self.answered[int(trace[1])] = Answered(
                intended_ns=int(trace[2]), ready_ns=time.perf_counter_ns()
            )
        connection.sendall(answer)
        return path not in CLOSING

    def _stall(self) -> None:
        with self._lock:
            self._requests += 1
            if self._requests == self.stall_at:
                time.sleep(self.stall_s)
