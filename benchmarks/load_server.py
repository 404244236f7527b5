"""A server whose answers follow a known queue, and that keeps its own times.

    python benchmarks/load_server.py SHAPE

Prints its port, serves until its standard input ends, then writes one RECORD for each answer.
"""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from pinchpoint.load.polling import make_poller

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
RECORD = struct.Struct("<Qqqqq")
BACKLOG = 4096
"""More than the clients ever open, so that the kernel refuses none of them."""
LONGEST_WAIT_S = 1.0

_TRACE = re.compile(rb"X-Pinchpoint: (\d+)-(\d+)")


class Phase(NamedTuple):
    """A time in which the server works at one speed."""

    duration_s: float
    rate_rps: float


SHAPES = {
    "stall": (Phase(9, 4_000), Phase(1, 0)),
    "overload": (Phase(1, 1_000),),
    "two-speed": (Phase(8, 4_000), Phase(2, 600)),
    "short-stall": (Phase(0.3, 4_000), Phase(0.3, 0)),
    "short-two-speed": (Phase(0.3, 4_000), Phase(0.3, 100)),
}
"""Phases repeat; the first one begins when the first request was due."""


class Answered(NamedTuple):
    """One answer; times are CLOCK_MONOTONIC nanoseconds, one clock for all processes.

    Attributes:
        trace_id: From the request; 0 if it carried none.
        intended_ns: From the request; when it came if it carried none.
        received_ns: When the request had been read.
        answered_ns: Just before the answer was handed to the kernel.
        connection: Number of the connection, from 1.
    """

    trace_id: int
    intended_ns: int
    received_ns: int
    answered_ns: int
    connection: int


class Queue:
    """One server, first come first served, whose speed goes through phases again and again.

    Each request is one unit of work. It is finished when the work done since the beginning
    has grown by one from its arrival, or from the end of the one before it, whichever is later.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._phases = phases
        self._cycle_s = sum(phase.duration_s for phase in phases)
        self._cycle_work = sum(phase.duration_s * phase.rate_rps for phase in phases)
        self._done = 0.0

    def finish_s(self, arrival_s: float) -> float:
        """When a request is answered; call it in the order of arrival."""
        self._done = max(self._done, self._work(arrival_s)) + 1
        return self._time_s(self._done)

    def _work(self, time_s: float) -> float:
        """What an always busy server has done until then."""
        cycles, rest_s = divmod(time_s, self._cycle_s)
        work = cycles * self._cycle_work
        for duration_s, rate_rps in self._phases:
            work += min(rest_s, duration_s) * rate_rps
            rest_s = max(0.0, rest_s - duration_s)
        return work

    def _time_s(self, work: float) -> float:
        """When it has done so much: the inverse of `_work`."""
        cycles, rest = divmod(work, self._cycle_work)
        time_s = cycles * self._cycle_s
        for duration_s, rate_rps in self._phases:
            if rest <= duration_s * rate_rps:
                return time_s + (rest / rate_rps if rate_rps else 0.0)
            rest -= duration_s * rate_rps
            time_s += duration_s
        return time_s


def exact_response_times_s(shape: str, arrivals_s: Sequence[float]) -> list[float]:
    """What an open loop sees of a shape if client, network and scheduler take no time.

    Args:
        shape: One of SHAPES.
        arrivals_s: Ascending, from the begin of the first phase.
    """
    queue = Queue(SHAPES[shape])
    return [queue.finish_s(arrival_s) - arrival_s for arrival_s in arrivals_s]


@dataclass
class RunningServer:
    """A server in a process of its own; `answered` is there when its context has ended."""

    port: int
    answered: Sequence[Answered] = ()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_server(shape: str) -> Iterator[RunningServer]:
    """Serve a shape until the context ends."""
    command = [sys.executable, __file__, shape]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  # for the type checker
        server = RunningServer(port=int(process.stdout.readline()))
        try:
            yield server
        finally:
            data, _ = process.communicate()
            server.answered = [Answered._make(fields) for fields in RECORD.iter_unpack(data)]


class _Connection:
    def __init__(self, accepted: socket.socket, number: int) -> None:
        self.socket = accepted
        self.number = number
        self.buffer = b""


class _Server:
    """Reads requests, and answers each when its queue says so."""

    def __init__(self, listener: socket.socket, shape: str) -> None:
        self.answered: list[Answered] = []
        self._listener = listener
        self._queue = Queue(SHAPES[shape])
        self._origin_ns = 0
        self._due: deque[tuple[int, _Connection, Answered]] = deque()
        self._accepted = 0
        self._connections: dict[int, _Connection] = {}
        self._poller = make_poller()

    def serve(self, stop: int) -> None:
        """Serve until a descriptor can be read."""
        self._poller.watch(stop)
        self._poller.watch(self._listener.fileno())
        while True:
            self._answer()
            for descriptor in self._poller.wait(self._wait_s()):
                if descriptor == stop:
                    return
                if descriptor == self._listener.fileno():
                    self._accept()
                else:
                    self._read(descriptor)

    def _wait_s(self) -> float:
        return (self._due[0][0] - perf_counter_ns()) / 1e9 if self._due else LONGEST_WAIT_S

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setblocking(False)  # noqa: FBT003  # a method of the standard library
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._accepted += 1
                self._connections[accepted.fileno()] = _Connection(accepted, self._accepted)
                self._poller.watch(accepted.fileno())

    def _read(self, descriptor: int) -> None:
        connection = self._connections[descriptor]
        try:
            data = connection.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._poller.forget(descriptor)
            self._connections.pop(descriptor).socket.close()
            return
        *heads, connection.buffer = (connection.buffer + data).split(b"\r\n\r\n")
        for head in heads:
            self._queue_request(connection, head)

    def _queue_request(self, connection: _Connection, head: bytes) -> None:
        now_ns = perf_counter_ns()
        found = _TRACE.search(head)
        trace_id, intended_ns = (int(found[1]), int(found[2])) if found else (0, now_ns)
        self._origin_ns = self._origin_ns or intended_ns
        finish_s = self._queue.finish_s((now_ns - self._origin_ns) / 1e9)
        due_ns = self._origin_ns + round(finish_s * 1e9)
        request = Answered(trace_id, intended_ns, now_ns, 0, connection.number)
        self._due.append((due_ns, connection, request))

    def _answer(self) -> None:
        while self._due and self._due[0][0] <= perf_counter_ns():
            _, connection, request = self._due.popleft()
            self.answered.append(request._replace(answered_ns=perf_counter_ns()))
            with suppress(OSError):
                connection.socket.send(ANSWER)


def main(shape: str) -> None:
    """Serve a shape until standard input ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        listener.setblocking(False)  # noqa: FBT003  # a method of the standard library
        print(listener.getsockname()[1], flush=True)
        server = _Server(listener, shape)
        server.serve(sys.stdin.fileno())
    sys.stdout.buffer.write(b"".join(RECORD.pack(*one) for one in server.answered))


if __name__ == "__main__":
    main(sys.argv[1])
