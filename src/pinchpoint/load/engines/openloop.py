"""Pinchpoint's own load engine.

Offers requests at scheduled times that the server cannot slow down (open loop), or keeps a
number of requests in flight to find the highest throughput (closed loop).

Response times count from the scheduled start, so that a stall of the server is seen by all
requests that were due in it ("coordinated omission" is not possible). Each scheduled request
becomes one sample: an answer, `timeout`, `reset`, `refused`, `closed` or `malformed`.

The engine runs in a process of its own, uses HTTP/1.1 keep-alive over up to 1024
connections, no TLS, no cookies, and follows no redirects. Each step opens new connections.
"""

from __future__ import annotations

import logging
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pinchpoint.errors import InconclusiveError, LaunchError
from pinchpoint.load.answers import digest_answers
from pinchpoint.load.wire import ERRORS, RECORD, Channel
from pinchpoint.model.recording import ResourceSample, Step
from pinchpoint.model.sample import Sample
from pinchpoint.model.target import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from pinchpoint.load.wire import Header
    from pinchpoint.model.workload import Arrivals, Workload

MOST_CONNECTIONS = 1024
REQUEST_TIMEOUT_S = 30.0
START_TIMEOUT_S = 30.0
"""For the engine's process to begin; it takes a fraction of a second on an idle machine."""
ENGINE_ENDED = "the load engine's process ended before it was told to"

logger = logging.getLogger(__name__)


class Observer(Protocol):
    """Joins to each step what was seen elsewhere: inside the application, on the machine."""

    def app_cpu_s(self) -> float:
        """CPU time of the application's processes so far; 0 if unknown."""

    def begin(self) -> None:
        """A step begins."""

    def end(  # noqa: PLR0913  # the facts of one step
        self,
        *,
        purpose: str,
        arrivals: Arrivals | None,
        in_flight: int,
        start_ns: int,
        duration_s: float,
        samples: tuple[Sample, ...],
        generator: ResourceSample,
    ) -> Step:
        """A step has ended; put together what happened in it."""


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

    Raises:
        LaunchError: The engine's process did not begin.
    """

    def __init__(  # noqa: PLR0913  # two of them have defaults that nearly everyone wants
        self,
        *,
        start: Callable[[Sequence[str]], object],
        workload: Workload,
        base_url: str,
        observer: Observer | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        url = urlsplit(base_url)
        self.steps: list[Step] = []
        self._workload = workload
        self._host, self._port = url.hostname or "127.0.0.1", url.port or 80
        self._timeout_s = timeout_s
        self._observer = observer or _Alone()
        self._channel = _start_engine(start)
        self._channel.send(
            {
                "command": "configure",
                "host": self._host,
                "port": self._port,
                "timeout_s": timeout_s,
                "most_connections": most_connections,
                "seed": workload.seed,
                "templates": [
                    {
                        "endpoint": template.endpoint,
                        "paths": template.paths,
                        "headers": template.headers,
                        "weight": template.weight,
                    }
                    for template in workload.templates
                ],
            }
        )

    def close(self) -> None:
        """End the engine's process."""
        self._channel.close()

    def open(self, arrivals: Arrivals, purpose: str) -> Step:
        """Offer an open-loop schedule and wait for all answers.

        Raises:
            InconclusiveError: The engine's process ended.
        """
        self._observer.begin()
        self._send(
            {
                "command": "open",
                "rate_rps": arrivals.rate_rps,
                "duration_s": arrivals.duration_s,
                "process": arrivals.process,
                "seed": arrivals.seed,
            }
        )
        return self._end(*self._receive(), purpose, arrivals=arrivals)

    def closed(self, in_flight: int, max_s: float, purpose: str) -> Generator[Batch, None, None]:
        """Keep requests in flight; yield a batch each half second.

        Ends after `max_s`, or as soon as the generator is closed; either way the step is
        in `steps` then, and nothing is in flight.

        Raises:
            InconclusiveError: The engine's process ended.
        """
        self._observer.begin()
        cpu_s = self._observer.app_cpu_s()
        self._send({"command": "closed", "in_flight": in_flight, "max_s": max_s})
        header, payload = self._receive()
        try:
            while header["kind"] == "batch":
                before_s, cpu_s = cpu_s, self._observer.app_cpu_s()
                yield _batch(header, max(0.0, cpu_s - before_s))
                header, payload = self._receive()
        finally:
            if header["kind"] == "batch":
                self._send({"command": "stop"})
            while header["kind"] == "batch":
                header, payload = self._receive()
            self._end(header, payload, purpose, in_flight=in_flight)

    def answers(self) -> Mapping[str, str]:
        """Status, type, length and digest of the answer to some requests of each endpoint."""
        return digest_answers(self._workload, self._host, self._port, self._timeout_s)

    def _send(self, header: Header) -> None:
        try:
            self._channel.send(header)
        except ConnectionError as error:
            raise InconclusiveError(ENGINE_ENDED) from error

    def _receive(self) -> tuple[Header, bytes]:
        message = self._channel.receive()
        if message is None:
            raise InconclusiveError(ENGINE_ENDED)
        return message

    def _end(
        self,
        result: Header,
        payload: bytes,
        purpose: str,
        *,
        arrivals: Arrivals | None = None,
        in_flight: int = 0,
    ) -> Step:
        generator = ResourceSample(
            resource="generator",
            cpu_s=result["cpu_s"],
            wait_s=result["wait_s"],
            capacity_s=result["duration_s"],
        )
        step = self._observer.end(
            purpose=purpose,
            arrivals=arrivals,
            in_flight=in_flight,
            start_ns=result["start_ns"],
            duration_s=result["duration_s"],
            samples=self._samples(payload),
            generator=generator,
        )
        logger.debug(
            "step purpose=%s samples=%d lag_p99_s=%.6f involuntary_switches=%d",
            purpose,
            len(step.samples),
            result["lag_p99_s"],
            result["involuntary_switches"],
        )
        self.steps.append(step)
        return step

    def _samples(self, payload: bytes) -> tuple[Sample, ...]:
        names = [template.endpoint for template in self._workload.templates]
        return tuple(
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


def _start_engine(start: Callable[[Sequence[str]], object]) -> Channel:
    """Start the engine's process and wait until it has connected."""
    # A folder of our own below the system's: the path of a unix socket has at most 104 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="pinchpoint-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        path = str(Path(folder) / "engine")
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(START_TIMEOUT_S)
        start([sys.executable, "-m", "pinchpoint.load.engine_process", path])
        try:
            connection, _ = listener.accept()
        except TimeoutError as error:
            raise LaunchError(
                f"the load engine did not start within {START_TIMEOUT_S:.0f} s"
            ) from error
        connection.settimeout(None)
        return Channel(connection)


def _batch(header: Header, app_cpu_s: float) -> Batch:
    return Batch(
        duration_s=header["duration_s"],
        completions=header["completions"],
        errors=header["errors"],
        app_cpu_s=app_cpu_s,
        generator_cpu_s=header["generator_cpu_s"],
    )


class _Alone:
    """Observes nothing but what the client saw."""

    def app_cpu_s(self) -> float:
        return 0.0

    def begin(self) -> None:
        pass

    def end(self, *, generator: ResourceSample, **facts: Any) -> Step:
        return Step(resources=(generator,), **facts)
