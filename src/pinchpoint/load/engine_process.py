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
from dataclasses import asdict
from pathlib import Path
from time import perf_counter_ns, process_time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinchpoint.load.arrivals import start_times_s
from pinchpoint.load.client import ERROR_INDEX, Client
from pinchpoint.load.configuration import decode, decode_arrivals
from pinchpoint.load.offer import Loop, offer_closed, offer_open
from pinchpoint.load.polling import make_poller
from pinchpoint.load.room import raise_open_files
from pinchpoint.load.tls import tls_context
from pinchpoint.load.traffic import Traffic
from pinchpoint.load.wire import RECORD, Channel
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from pinchpoint.load.configuration import Configuration
    from pinchpoint.load.offer import BatchCount
    from pinchpoint.load.wire import Header

HEAD_START_NS = 20_000_000
"""An open step begins so long after its command, so that its first requests are on time."""


def main(socket_path: str) -> None:
    """Connect to the tool and obey until it closes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_path)
    channel = Channel(connection)
    first = channel.receive()
    if first is not None:
        Engine(channel, decode(first[0])).serve()


class Engine:
    """Loads one address with its share of one workload."""

    def __init__(self, channel: Channel, configuration: Configuration) -> None:
        raise_open_files(configuration.most_connections)
        templates = configuration.workload.templates
        self.descriptor = channel.fileno()
        self._channel = channel
        self._reported = 0
        self._index, self._count = configuration.index, configuration.count
        self._poller = make_poller(is_spinning=configuration.is_spinning)
        self._poller.watch(self.descriptor)
        self._traffic = Traffic(
            configuration.workload, configuration.authority, self._index, self._count
        )
        self._client = Client(
            configuration.address,
            [template.endpoint.partition(" ")[0] for template in templates],
            poller=self._poller,
            timeout_s=configuration.timeout_s,
            most_connections=configuration.most_connections,
            tls=_tls(configuration),
            server_name=urlsplit(configuration.base_url).hostname or "",
        )
        gc.freeze()  # what is here stays: the collection before each step passes it over

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
        command = message[0]["command"]
        if command == "report":
            self._channel.send({"kind": "rows"}, self._new_rows())
        return bool(command == "stop")

    def _new_rows(self) -> bytes:
        """The requests that have ended since the last report."""
        rows = self._client.samples[self._reported :]
        self._reported += len(rows)
        return b"".join(itertools.starmap(RECORD.pack, rows))

    def _open(self, loop: Loop, command: Header) -> tuple[int, float]:
        arrivals = decode_arrivals(command)
        times_s = start_times_s(arrivals)[self._index :: self._count]
        start_ns = command.get("start_ns") or perf_counter_ns() + HEAD_START_NS
        end_ns = start_ns + round(arrivals.duration_s * 1e9)
        schedule_ns = [start_ns + round(time_s * 1e9) for time_s in times_s]
        offered_ns = offer_open(loop, schedule_ns, end_ns)
        return start_ns, (offered_ns - start_ns) / 1e9

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
        self._client.samples.clear()
        self._reported = 0
        self._traffic.begin_step()
        loop = Loop(client=self._client, poller=self._poller, control=self, traffic=self._traffic)
        gc.collect()
        gc.disable()
        cpu_s, wait_s, switches = _usage()
        start_ns, duration_s = offer(loop, command)
        self._client.close_all()  # which frees a descriptor for what follows
        after_cpu_s, after_wait_s, after_switches = _usage()
        gc.enable()
        rows = self._client.samples
        lags_s = [lag_ns / 1e9 for lag_ns in loop.lags_ns] or [0.0]
        result = {
            "kind": "result",
            "start_ns": start_ns,
            "duration_s": duration_s,
            "cpu_s": after_cpu_s - cpu_s,
            "wait_s": after_wait_s - wait_s,
            "involuntary_switches": after_switches - switches,
            "lag_p50_s": quantile(lags_s, 0.5),
            "lag_p99_s": quantile(lags_s, 0.99),
            "lag_max_s": max(lags_s),
            "exhausted": sum(row[-1] == ERROR_INDEX["exhausted"] for row in rows),
            "journeys": [asdict(count) for count in self._traffic.journey_counts()],
        }
        self._channel.send(result, self._new_rows())


def _tls(configuration: Configuration) -> ssl.SSLContext | None:
    is_encrypted = configuration.base_url.startswith("https:")
    return tls_context(verifies=configuration.verifies_tls) if is_encrypted else None


def _usage() -> tuple[float, float, int]:
    """CPU time and time runnable without a CPU (Linux; else 0) in seconds, forced switches."""
    schedstat = Path("/proc/self/schedstat")
    wait_s = int(schedstat.read_text("ascii").split()[1]) / 1e9 if schedstat.exists() else 0.0
    return process_time(), wait_s, resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


if __name__ == "__main__":
    main(sys.argv[1])
