"""What a controller needs of the thing that it loads; a simulator implements it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pinchpoint.model.recording import ResourceSample, Step
    from pinchpoint.model.sample import Sample
    from pinchpoint.model.workload import Arrivals


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Completions of one short time within a closed loop.

    Attributes:
        duration_s: Length of the batch.
        completions: Answers in it, errors included.
        errors: Answers that were errors (status 400 and up, or none).
        app_cpu_s: CPU time of the application's processes in it; 0 if unknown.
        generator_cpu_s: CPU time of the generator in it.
    """

    duration_s: float
    completions: int
    errors: int = 0
    app_cpu_s: float = 0.0
    generator_cpu_s: float = 0.0


class Target(Protocol):
    """Something that answers requests."""

    def closed(self, in_flight: int, max_s: float, purpose: str) -> Generator[Batch, None, None]:
        """Keep `in_flight` requests in flight; yield a batch each half second.

        Ends after `max_s`, or as soon as the generator is closed. Nothing is in flight
        when it has ended.
        """
        ...

    def open(self, arrivals: Arrivals, purpose: str) -> Step:
        """Offer an open-loop schedule and wait for all answers."""
        ...


class Engine(Target, Protocol):
    """What makes the requests; close it after use.

    Attributes:
        steps: Every step that has ended, in order.
    """

    steps: list[Step]

    def answers(self) -> Mapping[str, str]:
        """What the application answers to some requests of each endpoint, in short."""
        ...

    def stop(self) -> None:
        """End the step that is running; from another thread than the one that waits for it."""
        ...

    def close(self) -> None:
        """End its processes."""
        ...


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
