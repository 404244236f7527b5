"""A small shop with sessions: what a journey needs, and notes of what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def intended_ns(self) -> int:
        return int(self.headers["x-pinchpoint"].partition("-")[2])


@dataclass
class ShopServer:
    """Use as a context.

    `POST /login` gives a session, `POST /orders` an id (with a session only), `GET
    /orders/<id>` the order; everything else answers with what it was asked.

    Attributes:
        asked: All requests, in the order of their arrival.
    """

    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.shop = self
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    shop: ShopServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that give up, or trust nobody, are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        """Any path."""
        self._take("")

    def do_POST(self) -> None:
        """Any path."""
        self._take(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _take(self, body: str) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.shop.asked.append(
            Asked(method=self.command, path=self.path, headers=headers, body=body)
        )
        number = next(self.server.shop.numbers)
        if self.path == "/login":
            self._answer(200, {}, f"session=s{number}; Path=/; HttpOnly")
        elif self.path == "/orders" and "session=" not in headers.get("cookie", ""):
            self._answer(403, {})
        else:
            self._answer(200, {"id": number, "path": self.path})

    def _answer(self, status: int, document: object, cookie: str = "") -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing."""
