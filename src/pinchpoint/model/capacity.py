"""Where the application saturates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CapacityState(StrEnum):
    """How the search for the saturation point ended."""

    SATURATED = "saturated"
    GENERATOR_LIMITED = "generator-limited"
    UNSTABLE = "unstable"
    NOT_STEADY = "not-steady"
    CONTAMINATED = "contaminated"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The saturation point of one workload.

    Attributes:
        rate_rps: Throughput at the plateau.
        low_rps: Lower end of its 95 % interval.
        high_rps: Upper end.
        in_flight: The fewest requests in flight that reach 95 % of it.
        state: Whether the figure can be trusted.
        sustained_rps: The open-loop rate that was confirmed; 0 if none was.
        slo_rps: The rate at which the median trial meets the objective; 0 if not asked for.
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
    slo_rps: float = 0.0
    wall: str = ""
    next_wall: str = ""
    next_wall_rps: float = 0.0
