"""Pinchpoint's own load engine.

Offers requests at scheduled times that the server cannot slow down (open loop), or keeps a
number of requests in flight to find the highest throughput (closed loop).

Response times count from the scheduled start, so that a stall of the server is seen by all
requests that were due in it ("coordinated omission" is not possible). Each scheduled request
becomes one sample: an answer, `timeout`, `reset`, `refused`, `closed`, `malformed`, `tls`, or
`exhausted`, where the generator's own machine had no descriptor or port left.

Journeys keep cookies and take values from answers. Their first request is an arrival of the
schedule; each later one is intended at the end of the answer before plus its think time.

The engine runs in a process of its own, or several, and uses HTTP/1.1 keep-alive over up to
1024 connections, plain or TLS; it follows no redirects. Each step opens new connections.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pinchpoint.load.address import resolve
from pinchpoint.load.answers import digest_answers
from pinchpoint.load.configuration import (
    Configuration,
    check_workload,
    encode_arrivals,
)
from pinchpoint.load.fleet import Fleet
from pinchpoint.load.room import check_room
from pinchpoint.load.step import (
    batch_of,
    duration_s,
    fault_of,
    journeys_of,
    resource_of,
    state_of,
)
from pinchpoint.load.wire import ERRORS, RECORD
from pinchpoint.model.recording import Step
from pinchpoint.model.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from pinchpoint.load.fleet import Message
    from pinchpoint.model.recording import ResourceSample
    from pinchpoint.model.target import Batch, Observer
    from pinchpoint.model.workload import Arrivals, Workload

MOST_CONNECTIONS = 1024
REQUEST_TIMEOUT_S = 30.0
HEAD_START_NS = 50_000_000
"""Several processes begin an open step together, so long after they were told."""
SCHEDULE_NS = 3_000
"""And this for each arrival: to draw the schedule takes 1 us on a machine of 2024."""

logger = logging.getLogger(__name__)


class OpenLoop:
    """Loads one application with one workload; close it after use.

    Attributes:
        steps: Every step that has ended, in order.

    Args:
        start: Starts a process with this command line.
        workload: The mix.
        base_url: Such as `http://127.0.0.1:8000`.
        observer: Told when steps begin and end; None to keep only what the client saw.
        timeout_s: Of each request, from its scheduled start.
        most_connections: Requests beyond them wait for a connection, and their time runs.
        processes: That share the schedule; more than one only if one is not enough.
        is_spinning: Keep a CPU busy to be on time; only worth it where one is to spare.
        verifies_tls: Refuse a certificate that is not valid for the host.

    Raises:
        LaunchError: The engine's process did not begin, the host's name is not known, or the
            machine does not allow so many connections.
        UsageError: The URL or the workload cannot be.
    """

    def __init__(  # noqa: PLR0913  # most have defaults that nearly everyone wants
        self,
        *,
        start: Callable[[Sequence[str]], object],
        workload: Workload,
        base_url: str,
        observer: Observer | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        most_connections: int = MOST_CONNECTIONS,
        processes: int = 1,
        is_spinning: bool = False,
        verifies_tls: bool = True,
    ) -> None:
        check_workload(workload)
        check_room(most_connections)
        self.steps: list[Step] = []
        self._processes = processes
        self._configuration = Configuration(
            workload=workload,
            base_url=base_url,
            address=resolve(base_url),
            timeout_s=timeout_s,
            most_connections=-(-most_connections // processes),
            verifies_tls=verifies_tls,
            is_spinning=is_spinning,
            count=processes,
        )
        self._observer = observer or _Alone()
        self._fleet = Fleet(start, self._configuration)

    def close(self) -> None:
        """End the engine's processes."""
        self._fleet.close()

    def stop(self) -> None:
        """End the step that is running; from another thread than the one that waits for it."""
        self._fleet.send({"command": "stop"})

    def open(self, arrivals: Arrivals, purpose: str) -> Step:
        """Offer an open-loop schedule and wait for all answers.

        Raises:
            InconclusiveError: The engine's process ended.
        """
        self._observer.begin()
        command = encode_arrivals(arrivals)
        if self._processes > 1:
            requests = round(arrivals.rate_rps * arrivals.duration_s)
            command["start_ns"] = perf_counter_ns() + HEAD_START_NS + SCHEDULE_NS * requests
        self._fleet.send(command)
        return self._end(self._fleet.receive(), purpose, arrivals=arrivals)

    def closed(self, in_flight: int, max_s: float, purpose: str) -> Generator[Batch, None, None]:
        """Keep requests in flight; yield a batch each half second.

        Ends after `max_s`, or as soon as the generator is closed; either way the step is
        in `steps` then, and nothing is in flight.

        Raises:
            InconclusiveError: The engine's process ended.
        """
        self._observer.begin()
        cpu_s = self._observer.app_cpu_s()
        shares = [len(range(index, in_flight, self._processes)) for index in range(self._processes)]
        self._fleet.send(
            *({"command": "closed", "in_flight": share, "max_s": max_s} for share in shares)
        )
        messages = self._fleet.receive()
        try:
            while all(header["kind"] == "batch" for header, _ in messages):
                before_s, cpu_s = cpu_s, self._observer.app_cpu_s()
                yield batch_of([header for header, _ in messages], max(0.0, cpu_s - before_s))
                messages = self._fleet.receive()
        finally:
            if any(header["kind"] == "batch" for header, _ in messages):
                self._fleet.send({"command": "stop"})
            self._end(self._fleet.results(messages), purpose, in_flight=in_flight)

    def answers(self) -> Mapping[str, str]:
        """Status, type, length and digest of the answer to some requests of each endpoint."""
        return digest_answers(self._configuration)

    def _end(
        self,
        messages: Sequence[Message],
        purpose: str,
        *,
        arrivals: Arrivals | None = None,
        in_flight: int = 0,
    ) -> Step:
        results = [header for header, _ in messages]
        seen = self._observer.end(
            purpose=purpose,
            arrivals=arrivals,
            in_flight=in_flight,
            start_ns=min(result["start_ns"] for result in results),
            duration_s=duration_s(results),
            samples=tuple(sample for _, payload in messages for sample in self._samples(payload)),
            generator=resource_of(results),
        )
        state = state_of(results)
        step = replace(
            seen,
            generator=state,
            journeys=journeys_of(results),
            invalid=fault_of(seen, state),
        )
        logger.debug(
            "step purpose=%s samples=%d generator=%s invalid=%s",
            purpose,
            len(step.samples),
            state,
            step.invalid,
        )
        self.steps.append(step)
        return step

    def _samples(self, payload: bytes) -> Iterator[Sample]:
        names = [template.endpoint for template in self._configuration.workload.templates]
        return (
            Sample(trace, names[template], intended, sent, first, done, status, size, ERRORS[error])
            for (
                trace,
                template,
                intended,
                sent,
                first,
                done,
                status,
                size,
                error,
            ) in RECORD.iter_unpack(payload)
        )


class _Alone:
    """Observes nothing but what the client saw."""

    def app_cpu_s(self) -> float:
        return 0.0

    def begin(self) -> None:
        pass

    def end(self, *, generator: ResourceSample, **facts: Any) -> Step:
        return Step(resources=(generator,), **facts)
