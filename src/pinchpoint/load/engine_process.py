"""The load engine: a process of its own, so that the tool's work never delays a request.

Started as `python -m pinchpoint.load.engine_process SOCKET`; it connects to the unix socket,
obeys the messages of `wire` and ends when the other side closes.
"""

from __future__ import annotations

import gc
import itertools
import resource
import socket
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter_ns, process_time
from typing import TYPE_CHECKING, Any

from pinchpoint.load.arrivals import start_times_s
from pinchpoint.load.client import Client
from pinchpoint.load.mix import request_order
from pinchpoint.load.offer import Loop, offer_closed, offer_open
from pinchpoint.load.polling import make_poller
from pinchpoint.load.wire import RECORD, Channel
from pinchpoint.model.workload import ArrivalProcess, Arrivals
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinchpoint.load.offer import BatchCount
    from pinchpoint.load.wire import Header

HEAD_START_NS = 20_000_000
"""An open step begins so long after its command, so that its first requests are on time."""

OPEN_FILES = 4096
"""Several times the connections that are ever open."""


def main(socket_path: str) -> None:
    """Connect to the tool and obey until it closes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_path)
    channel = Channel(connection)
    _allow_many_connections()
    first = channel.receive()
    if first is not None:
        Engine(channel, first[0]).serve()


class Engine:
    """Loads one address with one workload."""

    def __init__(self, channel: Channel, configuration: Header) -> None:
        templates = configuration["templates"]
        self.descriptor = channel.fileno()
        self._channel = channel
        self._poller = make_poller()
        self._poller.watch(self.descriptor)
        self._weights = [template["weight"] for template in templates]
        self._path_counts = [len(template["paths"]) for template in templates]
        self._seed = configuration["seed"]
        self._step = 0
        self._next_trace = 1
        address = (configuration["host"], configuration["port"])
        self._client = Client(
            address,
            [_formats(template, *address) for template in templates],
            is_head=[template["endpoint"].startswith("HEAD ") for template in templates],
            poller=self._poller,
            timeout_s=configuration["timeout_s"],
            most_connections=configuration["most_connections"],
        )

    def serve(self) -> None:
        """Carry out commands until the tool closes."""
        while message := self._channel.receive():
            command, _ = message
            if command["command"] == "open":
                self._run(self._open, command)
            elif command["command"] == "closed":
                self._run(self._closed, command)
            # What remains is a stop that came after its step had ended.

    def is_stop(self) -> bool:
        """Read what the tool says in the middle of a step."""
        message = self._channel.receive()
        if message is None:
            raise SystemExit
        return bool(message[0]["command"] == "stop")

    def _open(self, loop: Loop, command: Header) -> tuple[int, float]:
        arrivals = Arrivals(
            rate_rps=command["rate_rps"],
            duration_s=command["duration_s"],
            process=ArrivalProcess(command["process"]),
            seed=command["seed"],
        )
        times_s = start_times_s(arrivals)
        start_ns = perf_counter_ns() + HEAD_START_NS
        offer_open(loop, [start_ns + round(time_s * 1e9) for time_s in times_s])
        return start_ns, arrivals.duration_s

    def _closed(self, loop: Loop, command: Header) -> tuple[int, float]:
        start_ns = perf_counter_ns()
        duration_ns = round(command["max_s"] * 1e9)
        offered_ns = offer_closed(loop, command["in_flight"], duration_ns, self._send_batch)
        return start_ns, offered_ns / 1e9

    def _send_batch(self, batch: BatchCount) -> None:
        self._channel.send(
            {
                "kind": "batch",
                "duration_s": batch.duration_s,
                "completions": batch.completions,
                "errors": batch.errors,
                "generator_cpu_s": batch.generator_cpu_s,
            }
        )

    def _run(self, offer: Callable[[Loop, Header], tuple[int, float]], command: Header) -> None:
        """Carry out one step, with new connections, and send what happened."""
        self._step += 1
        self._client.samples.clear()
        loop = Loop(
            client=self._client,
            poller=self._poller,
            control=self,
            requests=self._requests(),
            next_trace=self._next_trace,
        )
        gc.collect()
        gc.disable()
        cpu_s, wait_s, switches = _usage()
        start_ns, duration_s = offer(loop, command)
        after_cpu_s, after_wait_s, after_switches = _usage()
        gc.enable()
        self._client.close_all()
        self._next_trace = loop.next_trace
        rows = self._client.samples
        result = {
            "kind": "result",
            "start_ns": start_ns,
            "duration_s": duration_s,
            "cpu_s": after_cpu_s - cpu_s,
            "wait_s": after_wait_s - wait_s,
            "involuntary_switches": after_switches - switches,
            "lag_p99_s": quantile([max(0, row[3] - row[2]) / 1e9 for row in rows] or [0.0], 0.99),
        }
        self._channel.send(result, b"".join(itertools.starmap(RECORD.pack, rows)))

    def _requests(self) -> Iterator[tuple[int, int]]:
        # Arms of an experiment see the same requests in the same step, but not in each step.
        seed = f"{self._seed}-{self._step}"
        return request_order(self._weights, self._path_counts, seed)


def _formats(template: Mapping[str, Any], host: str, port: int) -> Sequence[bytes]:
    """The requests of a template, with places for trace id and intended start."""
    method = template["endpoint"].partition(" ")[0]
    headers = {
        "Host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "User-Agent": f"pinchpoint/{version('pinchpoint')}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        **({} if method in {"GET", "HEAD"} else {"Content-Length": "0"}),
        **dict(template["headers"]),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return [
        f"{method} {path} HTTP/1.1\r\n{lines}".encode().replace(b"%", b"%%")
        + b"X-Pinchpoint: %020d-%020d\r\n\r\n"
        for path in template["paths"]
    ]


def _usage() -> tuple[float, float, int]:
    """CPU time and time runnable without a CPU (Linux; else 0) in seconds, forced switches."""
    schedstat = Path("/proc/self/schedstat")
    wait_s = int(schedstat.read_text("ascii").split()[1]) / 1e9 if schedstat.exists() else 0.0
    return process_time(), wait_s, resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _allow_many_connections() -> None:
    """Raise the soft limit of open files, if it is low and may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main(sys.argv[1])
