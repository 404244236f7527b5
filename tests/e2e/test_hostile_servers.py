"""Servers that break the rules: no hang, and each arrival is one sample with the right error."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from load_generators import engine
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.workload import Arrivals, RequestTemplate, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pinchpoint.model.recording import Step

    Behaviour = Callable[[], Iterable[bytes]]

pytestmark = pytest.mark.e2e

ARRIVALS = Arrivals(rate_rps=150, duration_s=0.5)
TIMEOUT_S = 3.0
"""Long enough for an answer of a server that obeys the rules on a busy machine."""
PAUSE_S = 0.01
"""Between pieces: what never ends is to take connections, not the machine."""
HEAD = b"HTTP/1.1 200 OK\r\n"
OK = HEAD + b"Content-Length: 5\r\n\r\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
GARBAGE = b"!" * 10
RESET = b"reset"
"""In place of a piece: the connection is reset."""


def forever(begin: bytes, piece: bytes) -> Behaviour:
    return lambda: itertools.chain([begin], itertools.repeat(piece))


BEHAVIOURS: dict[str, tuple[Behaviour, int, str]] = {
    "head-byte-by-byte": (forever(HEAD + b"X: ", b"y"), 0, "timeout"),
    "endless-head": (forever(HEAD, b"X: y\r\n" * 4000), 0, "malformed"),
    "endless-body": (forever(HEAD + b"Content-Length: 99999999999\r\n\r\n", b"y"), 0, "timeout"),
    "endless-chunks": (
        forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n" * 1000),
        0,
        "timeout",
    ),
    "endless-trailers": (
        forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 4000),
        0,
        "malformed",
    ),
    "endless-interim": (forever(INTERIM, INTERIM * 100), 0, "timeout"),
    "body-too-short": (lambda: [OK[:-1]], 0, "closed"),
    "body-too-long": (lambda: [OK + b"!"], 0, "malformed"),
    "chunk-too-short": (
        lambda: [HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhell"],
        0,
        "closed",
    ),
    "two-lengths": (
        lambda: [HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
        0,
        "malformed",
    ),
    "length-of-5000-digits": (
        lambda: [HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"],
        0,
        "malformed",
    ),
    "continue-first": (lambda: [INTERIM, OK], 200, ""),
    "closes-each": (lambda: [OK], 200, ""),
    "other-protocol": (lambda: [b"HTTP/1.1 101 Switching Protocols\r\n\r\n"], 0, "malformed"),
    "reset-in-the-body": (lambda: [OK[:-1], RESET], 0, "reset"),
}
"""By path: what is sent, with pauses, before the connection is closed; and what becomes of it."""
SPOKEN_TOO_MUCH = (lambda: [OK, GARBAGE], 200, "")
"""For any other path."""


def _serve(connection: socket.socket) -> None:
    """Answer one request as its path says, and close."""
    with connection, suppress(OSError):
        path = connection.recv(65536).split()[1].decode()
        behaviour, *_ = BEHAVIOURS.get(path.removeprefix("/"), SPOKEN_TOO_MUCH)
        for piece in behaviour():
            if piece == RESET:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            connection.sendall(piece)
            time.sleep(PAUSE_S)


@contextmanager
def hostile_server() -> Iterator[str]:
    """A thread for each connection; all have ended when the context has."""
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=_serve, args=[connection]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in (acceptor, *threads):
                thread.join()


@pytest.fixture(scope="module")
def step() -> Step:
    """All behaviours at once, in equal parts."""
    workload = Workload(
        templates=tuple(
            RequestTemplate(endpoint=f"GET /{name}", paths=(f"/{name}",)) for name in BEHAVIOURS
        )
    )
    with hostile_server() as url, engine(url, workload, timeout_s=TIMEOUT_S) as ours:
        return ours.loop.open(ARRIVALS, "pin")


def test_each_arrival_is_one_sample(step: Step) -> None:
    assert len(step.samples) == len(start_times_s(ARRIVALS))
    assert len({sample.trace_id for sample in step.samples}) == len(step.samples)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_what_became_of_it_has_the_right_name(step: Step, name: str) -> None:
    _, status, error = BEHAVIOURS[name]
    found = {
        (sample.status, sample.error)
        for sample in step.samples
        if sample.endpoint == f"GET /{name}"
    }
    assert found == {(status, error)}


def test_garbage_after_the_end_only_hurts_who_reuses_the_connection() -> None:
    with hostile_server() as url, engine(url, timeout_s=TIMEOUT_S) as ours:
        step = ours.loop.open(ARRIVALS, "pin")
    assert len(step.samples) == len(start_times_s(ARRIVALS))
    assert {(200, "")} <= {(sample.status, sample.error) for sample in step.samples}
    assert {sample.error for sample in step.samples} <= {"", "malformed"}


def test_a_server_that_never_accepts_times_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as listener,
        engine(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.3) as ours,
    ):
        step = ours.loop.open(ARRIVALS, "pin")
    assert len(step.samples) == len(start_times_s(ARRIVALS))
    assert {sample.error for sample in step.samples} == {"timeout"}
