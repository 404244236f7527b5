"""Runs a locustfile: its users make the requests that a tool on a socket asks for.

Started as `python -m pinchpoint.load.users.process SOCKET`; obeys the messages of
`load.wire`. It answers `configure` with `ready`, and ends with `failed` and an explanation if
the locustfile cannot be used.
"""

from __future__ import annotations

import locust  # noqa: F401  # first of all: it replaces parts of the standard library

# isort: split

import itertools
import random
import resource
import socket
import sys
from time import perf_counter_ns, process_time
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from pinchpoint.load.arrivals import start_times_s
from pinchpoint.load.configuration import decode_arrivals
from pinchpoint.load.users.locustfile import (
    LocustfileError,
    explain,
    load_environment,
    take_tickets,
    take_turns,
)
from pinchpoint.load.users.samples import Recorder
from pinchpoint.load.users.tickets import Office, issue_at, keep_in_use
from pinchpoint.load.wire import RECORD, Channel
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.load.wire import Header

BATCH_S = 0.5
HOPELESS_TASKS = 20
"""So many tasks that raised, and half of all, end the run: their code is at fault."""


def main(socket_path: str) -> None:
    """Connect to the tool and obey until it closes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_path)
    channel = Channel(connection)
    message = channel.receive()
    if message is None:
        return
    try:
        Swarm(channel, message[0]).serve()
    except LocustfileError as error:
        channel.send({"kind": "failed", "message": str(error)})
    except (Exception, SystemExit) as error:  # noqa: BLE001  # other people's code
        text = explain(error, message[0]["locustfile"])
        channel.send({"kind": "failed", "message": text})


class Swarm:
    """The users of one locustfile."""

    def __init__(self, channel: Channel, configuration: Header) -> None:
        base_url = configuration["base_url"]
        self._locustfile = configuration["locustfile"]
        self._environment = load_environment(self._locustfile, base_url)
        self._runner = self._environment.create_local_runner()
        self._channel = channel
        self._seed = configuration["seed"]
        self._timeout_s = configuration["timeout_s"]
        self._steps = self._requests = self._tasks = 0
        self._errors = 0
        self._first_error = ""
        self._is_stopped = Event()
        self._main = gevent.getcurrent()
        self._classes = take_turns(self._environment.user_classes)
        self._recorder = Recorder(base_url)
        self._office = Office(spawn=self._spawn, count_users=lambda: self._runner.user_count)
        self._listen_to_locust()

    def _listen_to_locust(self) -> None:
        self._recorder.install()
        take_tickets(self._office, self._recorder)
        events = self._environment.events
        events.request.add_listener(self._recorder.on_request)
        events.user_error.add_listener(self._on_error)
        events.init.fire(environment=self._environment, runner=self._runner, web_ui=None)
        events.test_start.fire(environment=self._environment)

    def serve(self) -> None:
        """Carry out commands until the tool closes.

        Raises:
            LocustfileError: Most of its tasks raise.
        """
        self._channel.send({"kind": "ready"})
        while message := self._channel.receive():
            command = message[0]
            if command["command"] == "open":
                self._run(self._open, command)
            elif command["command"] == "closed":
                self._run(self._closed, command)
            # What remains is a stop that came after its step had ended.
        self._environment.events.test_stop.fire(environment=self._environment)

    def _run(self, offer: Callable[[Header], tuple[int, float]], command: Header) -> None:
        """Carry out one step and send what happened."""
        self._steps += 1
        random.seed(f"{self._seed}-{self._steps}")
        self._recorder.clear()
        self._is_stopped.clear()
        finished, cpu_s, switches = self._office.finished, process_time(), _switches()
        listener = gevent.spawn(self._listen)
        start_ns, duration_s = offer(command)
        if not self._office.drain(self._timeout_s):
            self._recorder.give_up(self._office.take_back())
            self._runner.user_greenlets.kill()
        listener.kill()
        rows = self._recorder.rows
        self._tasks += self._office.finished - finished
        self._requests += len(rows)
        lags_s = [max(0, row[3] - row[2]) / 1e9 for row in rows] or [0.0]
        result = {
            "kind": "result",
            "start_ns": start_ns,
            "duration_s": duration_s,
            "cpu_s": process_time() - cpu_s,
            "wait_s": 0.0,
            "involuntary_switches": _switches() - switches,
            "lag_p50_s": quantile(lags_s, 0.5),
            "lag_p99_s": quantile(lags_s, 0.99),
            "lag_max_s": max(lags_s),
            "exhausted": 0,
            "endpoints": list(self._recorder.endpoints),
            "errors": self._errors,
            "first_error": self._first_error,
        }
        self._channel.send(result, b"".join(itertools.starmap(RECORD.pack, rows)))

    def _open(self, command: Header) -> tuple[int, float]:
        """Let tasks begin so often that their requests come at the rate that is asked for."""
        arrivals = decode_arrivals(command)
        share = min(1.0, self._tasks / self._requests) if self._requests else 1.0
        start_ns = perf_counter_ns()
        # Thinned at random, Poisson arrivals remain Poisson arrivals.
        times_s = [one for one in start_times_s(arrivals) if random.random() < share]  # noqa: S311
        schedule_ns = [start_ns + round(time_s * 1e9) for time_s in times_s]
        issue_at(self._office, schedule_ns, self._is_stopped)
        return start_ns, arrivals.duration_s

    def _closed(self, command: Header) -> tuple[int, float]:
        """Keep tasks running; send a batch each half second."""
        start_ns = perf_counter_ns()
        end_ns = start_ns + round(command["max_s"] * 1e9)
        keep_in_use(self._office, command["in_flight"])
        before = self._now()
        while (left_s := (end_ns - perf_counter_ns()) / 1e9) > 0:
            if self._is_stopped.wait(min(BATCH_S, left_s)):
                break
            now = self._now()
            duration_s, completions, errors, cpu_s = (
                new - old for new, old in zip(now, before, strict=True)
            )
            before = now
            self._channel.send(
                {
                    "kind": "batch",
                    "duration_s": duration_s,
                    "completions": completions,
                    "errors": errors,
                    "generator_cpu_s": cpu_s,
                }
            )
        return start_ns, (perf_counter_ns() - start_ns) / 1e9

    def _now(self) -> tuple[float, int, int, float]:
        recorder = self._recorder
        return perf_counter_ns() / 1e9, len(recorder.rows), recorder.errors, process_time()

    def _listen(self) -> None:
        """Wait for the order to end a step early; a tool that is gone ends everything."""
        if self._channel.receive() is None:
            sys.exit()
        self._is_stopped.set()

    def _spawn(self) -> None:
        (user,) = self._runner.spawn_users({next(self._classes): 1})
        # A user that its own code ends is replaced, so that no ticket waits for ever.
        user.greenlet.link(lambda _: self._office.fill())

    def _on_error(self, *, exception: BaseException, **_: Any) -> None:
        """A task has raised."""
        self._errors += 1
        self._first_error = self._first_error or explain(exception, self._locustfile)
        if self._errors >= max(HOPELESS_TASKS, self._office.finished / 2):
            text = f"{self._errors} of {self._office.finished} tasks raised, the first of them:"
            gevent.kill(self._main, LocustfileError(f"{text}\n{self._first_error}"))


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


if __name__ == "__main__":
    main(sys.argv[1])
