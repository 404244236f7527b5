"""The users of a locustfile as the traffic; needs the extra `pinchpoint[locust]`.

The tasks, their weights and their order are the locustfile's. Its wait times and its load shape
are not used, for how many requests come is what is searched for:

- Closed loop: so many users run one task after the other, without waiting between them.
- Open loop: a task begins at each time of the schedule, run by the first user that is free.
  Response times count from the schedule for the first request of a task; the others of a task
  begin when the task sends them, so that part of a stall goes unseen in theirs.

Locust replaces parts of the standard library, so that its users run in a process of their own.
Each request carries the header by which the probe knows it; one to another host is refused.
"""

from __future__ import annotations

import ast
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pinchpoint.errors import InconclusiveError, UsageError
from pinchpoint.load.address import resolve
from pinchpoint.load.answers import digest_answers
from pinchpoint.load.configuration import Configuration, encode_arrivals
from pinchpoint.load.fleet import start_engine
from pinchpoint.load.step import batch_of, fault_of, resource_of, state_of
from pinchpoint.load.wire import ERRORS, RECORD
from pinchpoint.model.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from pinchpoint.load.fleet import Message
    from pinchpoint.model.recording import Step
    from pinchpoint.model.target import Batch, Observer
    from pinchpoint.model.workload import Arrivals, Workload

PROCESS = "pinchpoint.load.users.process"
TIMEOUT_S = 30.0
"""Locust's clients wait for ever unless the locustfile says otherwise."""
ASSUMPTION = (
    "the mix is that of {name}, run by Locust: its wait times and its load shape are not used"
)


def is_locustfile(path: Path) -> bool:
    """Whether a file is Python that imports Locust; it is not executed."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        name.partition(".")[0] == "locust" for node in ast.walk(tree) for name in _imported(node)
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


class LocustUsers:
    """Loads one application as a locustfile says; close it after use.

    Attributes:
        steps: Every step that has ended, in order.
        warnings: What its author should know, one sentence each.

    Args:
        start: Starts a process with this command line.
        locustfile: To run.
        workload: What the walk found, for `answers`.
        base_url: Such as `http://127.0.0.1:8000`.
        observer: Told when steps begin and end.
        seed: Of the users' choices.
        timeout_s: Of what is still going on when a step has ended.

    Raises:
        LaunchError: The process did not begin.
        UsageError: Locust is not installed, or the locustfile cannot be used.
    """

    def __init__(  # noqa: PLR0913  # as the other engine
        self,
        *,
        start: Callable[[Sequence[str]], object],
        locustfile: Path,
        workload: Workload,
        base_url: str,
        observer: Observer,
        seed: int = 1,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        _check_installed()
        self.steps: list[Step] = []
        self.warnings: tuple[str, ...] = ()
        self._locustfile = locustfile
        self._observer = observer
        self._answers = Configuration(
            workload=workload,
            base_url=base_url,
            address=resolve(base_url),
            timeout_s=timeout_s,
            most_connections=1,
        )
        self._channel = start_engine(start, PROCESS)
        order = {
            "locustfile": str(locustfile.absolute()),
            "base_url": base_url,
            "seed": seed,
            "timeout_s": timeout_s,
        }
        with ExitStack() as stack:
            stack.callback(self.close)
            self._channel.send(order)
            self._receive()
            stack.pop_all()

    def close(self) -> None:
        """End the users' process."""
        self._channel.close()

    def stop(self) -> None:
        """End the step that is running; from another thread than the one that waits for it."""
        self._channel.send({"command": "stop"})

    def open(self, arrivals: Arrivals, purpose: str) -> Step:
        """Begin tasks on a schedule and wait for the end of all.

        Raises:
            InconclusiveError: The users' process ended.
            UsageError: Most tasks raise.
        """
        self._observer.begin()
        self._channel.send(encode_arrivals(arrivals))
        return self._end(self._receive(), purpose, arrivals=arrivals)

    def closed(self, in_flight: int, max_s: float, purpose: str) -> Generator[Batch, None, None]:
        """Keep so many users busy; yield a batch each half second.

        Ends after `max_s`, or as soon as the generator is closed; either way the step is
        in `steps` then, and nothing is in flight.

        Raises:
            InconclusiveError: The users' process ended.
            UsageError: Most tasks raise.
        """
        self._observer.begin()
        cpu_s = self._observer.app_cpu_s()
        self._channel.send({"command": "closed", "in_flight": in_flight, "max_s": max_s})
        message = self._receive()
        try:
            while message[0]["kind"] == "batch":
                before_s, cpu_s = cpu_s, self._observer.app_cpu_s()
                yield batch_of([message[0]], max(0.0, cpu_s - before_s))
                message = self._receive()
        finally:
            if message[0]["kind"] == "batch":
                self._channel.send({"command": "stop"})
            while message[0]["kind"] == "batch":
                message = self._receive()
            self._end(message, purpose, in_flight=in_flight)

    def answers(self) -> Mapping[str, str]:
        """Status, type, length and digest of the answers to what the walk found."""
        return digest_answers(self._answers)

    def _receive(self) -> Message:
        message = self._channel.receive()
        if message is None:
            raise InconclusiveError(f"the process of {self._locustfile.name} ended by itself")
        if message[0]["kind"] == "failed":
            raise UsageError(
                f"{self._locustfile.name} cannot be used:\n{message[0]['message']}",
                "Let it run with Locust itself first: locust --headless -u 1 -t 10s.",
            )
        return message

    def _end(
        self,
        message: Message,
        purpose: str,
        *,
        arrivals: Arrivals | None = None,
        in_flight: int = 0,
    ) -> Step:
        result, payload = message
        seen = self._observer.end(
            purpose=purpose,
            arrivals=arrivals,
            in_flight=in_flight,
            start_ns=result["start_ns"],
            duration_s=result["duration_s"],
            samples=tuple(_samples(payload, result["endpoints"])),
            generator=resource_of([result]),
        )
        state = state_of([result])
        step = _named_by_routes(replace(seen, generator=state, invalid=fault_of(seen, state)))
        if result["errors"]:
            self.warnings = (
                f"{result['errors']} tasks of {self._locustfile.name} raised, the first of them: "
                + result["first_error"].splitlines()[-1],
            )
        self.steps.append(step)
        return step


def _named_by_routes(step: Step) -> Step:
    """Give each request the name of the route that the probe saw, which findings have too."""
    routes = {trace.trace_id: trace.endpoint for trace in step.traces}
    samples = (
        one._replace(endpoint=routes.get(one.trace_id, one.endpoint)) for one in step.samples
    )
    return replace(step, samples=tuple(samples))


def _samples(payload: bytes, endpoints: Sequence[str]) -> Iterator[Sample]:
    for row in RECORD.iter_unpack(payload):
        trace_id, endpoint, intended, sent, first, done, status, size, error = row
        name = endpoints[endpoint]
        yield Sample(trace_id, name, intended, sent, first, done, status, size, ERRORS[error])


def _check_installed() -> None:
    if find_spec("locust") is None:
        raise UsageError(
            "a locustfile needs Locust, which is not installed here",
            "Install it beside pinchpoint: pip install 'pinchpoint[locust]'.",
        )
