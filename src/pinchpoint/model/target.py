"""What a controller needs of the thing that it loads; a simulator implements it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    from pinchpoint.model.recording import Step
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
