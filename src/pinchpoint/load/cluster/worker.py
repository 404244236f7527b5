"""One machine's share of a cluster: takes orders from a master, loads, reports.

Started as `python -m pinchpoint.load.cluster.worker HOST PORT [--i-own-this]`. Locust connects
it to the master and notices when either is gone; the load comes from our engine in a plain
process beside it, because Locust replaces parts of the standard library in this one.
"""

from __future__ import annotations

import locust  # noqa: F401  # first of all: it replaces parts of the standard library

# isort: split

import subprocess
import sys
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import gevent
from locust import runners
from locust.env import Environment

from pinchpoint.errors import PinchpointError
from pinchpoint.load.cluster.tally import Tally
from pinchpoint.load.cluster.target import allowed_address
from pinchpoint.load.configuration import decode
from pinchpoint.load.fleet import ENGINE_ENDED, start_engine
from pinchpoint.load.wire import RECORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from locust.rpc import Message

    from pinchpoint.load.wire import Channel, Header

REPORT_S = 1.0
"""Between two reports to the master; what a worker that dies has not reported is missing."""
ASK_S = 0.1
"""Between two questions to the engine: at 10,000 requests/s an answer takes it 1 ms."""


def main(host: str, port: int, *, is_owned: bool) -> None:
    """Serve a master until it says quit, or has been silent for a minute."""
    runners.WORKER_REPORT_INTERVAL = REPORT_S
    worker = Worker(Environment().create_worker_runner(host, port), is_owned=is_owned)
    print(f"connected to the master at {host}:{port}", flush=True)  # noqa: T201  # to its user
    worker.serve()


class Worker:
    """Loads what the master says.

    Args:
        runner: Locust's end of the connection.
        is_owned: The user owns the target, wherever it is.
    """

    def __init__(self, runner: runners.WorkerRunner, *, is_owned: bool) -> None:
        self._runner = runner
        self._is_owned = is_owned
        self._endpoints: Sequence[str] = ()
        self._engine: Channel | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._step = 0
        self._new = Tally()
        runner.register_message("clock", self._on_clock)
        runner.register_message("plan", self._on_plan, concurrent=True)
        runner.register_message("step", self._on_step, concurrent=True)
        runner.environment.events.report_to_master.add_listener(self._on_report)

    def serve(self) -> None:
        """Wait for the master's quit."""
        self._runner.greenlet.join()
        if self._engine is not None and self._process is not None:
            self._engine.close()
            self._process.wait()

    def _on_clock(self, msg: Message, **_: Any) -> None:
        data = {"asked_ns": msg.data["asked_ns"], "answered_ns": perf_counter_ns()}
        self._runner.send_message("clock", data)

    def _on_plan(self, msg: Message, **_: Any) -> None:
        """Start the engine with the share that the master gives us."""
        try:
            self._engine = self._started(msg.data["configuration"])
        except PinchpointError as error:
            self._runner.send_message("refused", {"message": str(error)})
        else:
            self._runner.send_message("planned", {})

    def _started(self, configuration: Header) -> Channel:
        # The name of the target may have another address here than at the master's.
        address = allowed_address(configuration["base_url"], is_owned=self._is_owned)
        configuration = {**configuration, "address": address}
        workload = decode(configuration).workload
        self._endpoints = [template.endpoint for template in workload.templates]
        engine = start_engine(self._start)
        engine.send(configuration)
        return engine

    def _start(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command)

    def _on_step(self, msg: Message, **_: Any) -> None:
        """Load for one step; what has ended travels with Locust's reports, the rest at the end."""
        assert self._engine is not None  # noqa: S101  # a plan comes first
        self._step = msg.data["number"]
        self._engine.send(msg.data["command"])
        asking = gevent.spawn(self._keep_asking, self._engine)
        count, first = 0, (sys.maxsize, 0)
        while True:
            message = self._engine.receive()
            if message is None:
                self._runner.send_message("refused", {"message": ENGINE_ENDED})
                break
            header, payload = message
            rows = list(RECORD.iter_unpack(payload))
            self._new.add(rows, self._endpoints)
            count += len(rows)
            first = min([first, *((row[2], row[3]) for row in rows if row[3])])
            if header["kind"] == "result":
                self._finish(header, count, first)
                break
        asking.kill()

    def _finish(self, result: Header, count: int, first: tuple[int, int]) -> None:
        facts = ("cpu_s", "duration_s", "lag_p99_s", "involuntary_switches", "exhausted")
        self._runner.send_message(
            "done",
            {
                "number": self._step,
                "count": count,
                "rest": self._taken(),
                "first_lag_ns": first[1] - first[0] if first[1] else 0,
                **{name: result[name] for name in facts},
            },
        )

    def _keep_asking(self, engine: Channel) -> None:
        while True:
            gevent.sleep(ASK_S)
            engine.send({"command": "report"})

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        """Locust sends a report to the master: add what is new."""
        if self._step:
            data["pinchpoint"] = {"number": self._step, "tally": self._taken()}

    def _taken(self) -> Any:
        taken, self._new = self._new, Tally()
        return taken.encode()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), is_owned="--i-own-this" in sys.argv)
