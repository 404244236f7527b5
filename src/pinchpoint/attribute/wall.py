"""The wall: which limit the throughput has reached, and which it would reach next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint.attribute.bounds import bounds
from pinchpoint.attribute.budget import mix_budget
from pinchpoint.attribute.join import answered
from pinchpoint.model.report import WallPoint
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.model.budget import Budget
    from pinchpoint.model.capacity import Capacity
    from pinchpoint.model.recording import Recording, Step

NEAR_RATIO = 0.6
"""Of a bound: queueing keeps real systems below their bounds (the simulated error was 13 % at
the 90th percentile, measurement.md §4.2), but one that is used less than this is no wall."""


def find_wall(recording: Recording, budgets: Sequence[Budget], capacity: Capacity) -> Capacity:
    """Name the lowest operational bound as the wall and the second-lowest as the next one.

    Args:
        recording: With a recorded step and the CPU use of a plateau.
        budgets: Of the recording; without one nothing is known of the inside.
        capacity: As measured.
    """
    ranked = sorted(bounds(recording), key=lambda bound: bound.rate_rps)
    if not (ranked and budgets and capacity.rate_rps):
        return capacity
    lowest, *others = ranked
    if capacity.rate_rps < NEAR_RATIO * lowest.rate_rps:
        used_ratio = capacity.rate_rps / lowest.rate_rps
        wall = f"none that is known; the nearest, {lowest.resource}, is {used_ratio:.0%} used"
        return replace(capacity, wall=wall)
    if not others:
        return replace(capacity, wall=lowest.resource)
    return replace(
        capacity,
        wall=lowest.resource,
        next_wall=others[0].resource,
        next_wall_rps=max(capacity.rate_rps, others[0].rate_rps),
    )


def wall_points(recording: Recording) -> tuple[WallPoint, ...]:
    """Each recorded open-loop step, by its rate, then each recorded step of the sweep.

    Open-loop steps with a dormant probe stand in only where nothing was recorded.

    The sweep is a closed loop: it has a throughput, but no response time worth the name.
    """
    offered = [step for step in recording.steps if step.arrivals is not None and answered(step)]
    swept = [step for step in recording.steps if step.purpose == "sweep" and step.traces]
    observed = [step for step in offered if step.traces] or offered
    points = [_open_point(recording, step) for step in observed]
    points.sort(key=lambda point: point.rate_rps)
    return (*points, *(_throughput_only(step) for step in swept))


def _open_point(recording: Recording, step: Step) -> WallPoint:
    times_s = [sample.response_time_s for sample in answered(step)]
    parts_s = mix_budget(recording, step).parts_s if step.traces else {}
    return WallPoint(
        rate_rps=step.arrivals.rate_rps if step.arrivals else 0.0,
        throughput_rps=_throughput_rps(step),
        p50_s=quantile(times_s, 0.5),
        p99_s=quantile(times_s, 0.99),
        parts_s={category.value: time_s for category, time_s in parts_s.items()},
    )


def _throughput_only(step: Step) -> WallPoint:
    return WallPoint(rate_rps=0.0, throughput_rps=_throughput_rps(step), p50_s=0.0, p99_s=0.0)


def _throughput_rps(step: Step) -> float:
    end_ns = step.start_ns + round(step.duration_s * 1e9)
    done = sum(sample.is_ok and sample.completed_ns <= end_ns for sample in step.samples)
    return done / step.duration_s if step.duration_s else 0.0
