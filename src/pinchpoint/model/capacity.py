"""Where the application saturates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pinchpoint.model.objective import ObjectiveResult


class CapacityState(StrEnum):
    """How the search for the saturation point ended."""

    SATURATED = "saturated"
    GENERATOR_LIMITED = "generator-limited"
    UNSTABLE = "unstable"
    NOT_STEADY = "not-steady"
    CONTAMINATED = "contaminated"
    FAILED = "failed"
    NOT_SOUGHT = "not-sought"  # a rate was asked for and held instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The saturation point of one workload.

    Attributes:
        rate_rps: Throughput at the plateau; the rate that was asked for, if it was not sought.
        low_rps: Lower end of its 95 % interval.
        high_rps: Upper end.
        in_flight: Requests in flight that are enough for it; at least twice the server's slots.
        state: Whether the figure can be trusted.
        sustained_rps: The open-loop rate that was confirmed; 0 if none was.
        objective: How far the objective is met; None if there is none.
        wall: The resource that limits it, as a phrase; empty until attributed.
        next_wall: What would limit it next.
        next_wall_rps: The rate that the next wall allows; 0 if unknown.
    """

    rate_rps: float
    low_rps: float
    high_rps: float
    in_flight: int
    state: CapacityState
    sustained_rps: float = 0.0
    objective: ObjectiveResult | None = None
    wall: str = ""
    next_wall: str = ""
    next_wall_rps: float = 0.0
