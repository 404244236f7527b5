"""Leads the workers of a cluster through the steps that a tool on a socket asks for.

Started as `python -m pinchpoint.load.cluster.master SOCKET`; obeys `lead`, then `open` for each
step. Before each step it compares the clocks, then lets all workers begin at one time. Each
takes its share of one schedule, so that the load of a worker that dies is missing afterwards,
and counted as missing; the shares of the others stay what they are.
"""

from __future__ import annotations

import locust  # noqa: F401  # first of all: it replaces parts of the standard library

# isort: split

import socket
import sys
from collections import defaultdict
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event
from locust import runners
from locust.env import Environment

from pinchpoint.load.cluster.clocks import Exchange, compare_clocks
from pinchpoint.load.cluster.tally import Tally
from pinchpoint.load.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from locust.rpc import Message

    from pinchpoint.load.cluster.clocks import Clock
    from pinchpoint.load.wire import Header

EXCHANGES = 10
EXCHANGE_S = 0.01
HEAD_START_NS = 300_000_000
"""From the order to begin until the beginning: for the way to the workers."""
SCHEDULE_NS = 3_000
"""And this for each arrival, to draw the schedule."""
ANSWER_TIMEOUT_S = 40.0
"""For a worker to start its engine, which itself is given 30 s."""
CHECK_S = 0.1
GRACE_S = 15.0
"""For reports, after the last request can have timed out."""


def main(socket_path: str) -> None:
    """Connect to the tool and obey until it closes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_path)
    channel = Channel(connection)
    message = channel.receive()
    if message is not None:
        Master(channel, message[0]).serve()


class Master:
    """Leads workers.

    Args:
        channel: To the tool.
        order: Where to wait for how many workers, and the configuration of their engines.
    """

    def __init__(self, channel: Channel, order: Header) -> None:
        self._channel = channel
        self._configuration = order["configuration"]
        self._timeout_s = order["configuration"]["timeout_s"]
        self._wanted = order["workers"]
        self._workers: list[str] = []
        self._exchanges: defaultdict[str, list[Exchange]] = defaultdict(list)
        self._planned: set[str] = set()
        self._refusal = ""
        self._step = 0
        self._tallies: dict[str, Tally] = {}
        self._done: dict[str, Header] = {}
        self._changed = Event()
        self._runner = Environment().create_master_runner(order["bind"], order["port"])
        for kind, listener in (
            ("clock", self._on_clock),
            ("planned", self._on_planned),
            ("refused", self._on_refused),
            ("done", self._on_done),
        ):
            self._runner.register_message(kind, listener)
        self._runner.environment.events.worker_report.add_listener(self._on_report)

    def serve(self) -> None:
        """Gather the workers, then carry out steps until the tool closes."""
        self._channel.send({"kind": "listening", "port": self._runner.server.port})
        self._wait(self._has_all, float("inf"))
        self._plan()
        while not self._refusal and (message := self._channel.receive()):
            self._channel.send(self._open(message[0]))
        self._runner.quit()

    def _has_all(self) -> bool:
        return bool(len(self._runner.clients.ready) >= self._wanted)

    def _plan(self) -> None:
        """Give each worker its share."""
        self._workers = [one.id for one in self._runner.clients.ready][: self._wanted]
        for index, worker in enumerate(self._workers):
            share = {**self._configuration, "index": index, "count": self._wanted}
            self._runner.send_message("plan", {"configuration": share}, worker)
        self._wait(lambda: len(self._planned) == self._wanted, ANSWER_TIMEOUT_S)
        if len(self._planned) < self._wanted:
            self._refusal = self._refusal or "a worker did not start its engine"
            self._channel.send({"kind": "failed", "message": self._refusal})
        else:
            self._channel.send({"kind": "ready", "workers": self._workers})

    def _open(self, command: Header) -> Header:
        """Let all workers begin a step at one time and gather what they saw."""
        self._step += 1
        self._tallies = {worker: Tally() for worker in self._workers}
        self._done.clear()
        clocks = self._compare_clocks()
        head_start_ns = HEAD_START_NS + SCHEDULE_NS * command["scheduled"]
        start_ns = perf_counter_ns() + head_start_ns
        for worker, clock in clocks.items():
            order = {**command["arrivals"], "start_ns": start_ns + clock.ahead_ns}
            self._runner.send_message("step", {"number": self._step, "command": order}, worker)
        offered_s = head_start_ns / 1e9 + command["arrivals"]["duration_s"]
        self._wait(self._is_over, offered_s + self._timeout_s + GRACE_S)
        return {
            "kind": "result",
            "start_ns": start_ns,
            "workers": [self._share(worker, clocks.get(worker)) for worker in self._workers],
            "tally": _merged(self._tallies).encode(),
        }

    def _compare_clocks(self) -> Mapping[str, Clock]:
        self._exchanges.clear()
        for _ in range(EXCHANGES):
            for worker in self._workers:
                if not self._is_lost(worker):
                    data = {"asked_ns": perf_counter_ns()}
                    self._runner.send_message("clock", data, worker)
                    gevent.sleep(EXCHANGE_S)
        return {worker: compare_clocks(found) for worker, found in self._exchanges.items()}

    def _share(self, worker: str, clock: Clock | None) -> Header:
        """What one worker did; one that was lost has only what it had reported."""
        done = self._done.get(worker)
        return {
            "name": worker,
            "is_lost": done is None,
            "ended": self._tallies[worker].count,
            "clock_ahead_ns": clock.ahead_ns if clock else 0,
            "clock_error_ns": clock.error_ns if clock else 0,
            **(done or {}),
        }

    def _is_over(self) -> bool:
        return all(worker in self._done or self._is_lost(worker) for worker in self._workers)

    def _is_lost(self, worker: str) -> bool:
        client = self._runner.clients.get(worker)
        return client is None or bool(client.state == runners.STATE_MISSING)

    def _wait(self, is_true: Callable[[], bool], timeout_s: float) -> None:
        """Wait until something is true or a worker refuses; messages wake, so do losses."""
        end_ns = perf_counter_ns() + timeout_s * 1e9
        while not (is_true() or self._refusal) and perf_counter_ns() < end_ns:
            self._changed.wait(CHECK_S)
            self._changed.clear()

    def _on_clock(self, msg: Message, **_: Any) -> None:
        exchange = Exchange(
            asked_ns=msg.data["asked_ns"],
            answered_ns=msg.data["answered_ns"],
            received_ns=perf_counter_ns(),
        )
        self._exchanges[msg.node_id].append(exchange)

    def _on_planned(self, msg: Message, **_: Any) -> None:
        self._planned.add(msg.node_id)
        self._changed.set()

    def _on_refused(self, msg: Message, **_: Any) -> None:
        self._refusal = msg.data["message"]
        self._changed.set()

    def _on_report(self, client_id: str, data: Mapping[str, Any], **_: Any) -> None:
        part = data.get("pinchpoint")
        if part and part["number"] == self._step and client_id in self._tallies:
            self._tallies[client_id].merge(Tally.decode(part["tally"]))

    def _on_done(self, msg: Message, **_: Any) -> None:
        done = dict(msg.data)
        if done.pop("number") == self._step and msg.node_id in self._tallies:
            self._tallies[msg.node_id].merge(Tally.decode(done.pop("rest")))
            self._done[msg.node_id] = done
        self._changed.set()


def _merged(tallies: Mapping[str, Tally]) -> Tally:
    whole = Tally()
    for tally in tallies.values():
        whole.merge(tally)
    return whole


if __name__ == "__main__":
    main(sys.argv[1])
