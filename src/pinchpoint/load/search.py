"""Find the saturation point: warm up, sweep, measure the plateau, confirm it in open loop.

Capacity is the height of a plateau, not the end of a search: in a closed loop with enough
requests in flight the throughput is the capacity, and its mean converges within seconds,
where a bisection on the arrival rate needs minutes and keeps each wrong verdict.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint.load.limits import NORMAL
from pinchpoint.load.open_loop import is_late, keeps_up
from pinchpoint.load.plateau import BrokenError, measure_plateau, sweep, warm_up
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.workload import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.load.limits import SearchLimits
    from pinchpoint.load.plateau import Plateau
    from pinchpoint.model.target import Target

ASYNC_IN_FLIGHT = 8
"""Where the sweep of an event loop starts: it has no number of slots."""
MOST_GENERATOR_CPU_RATIO = 0.8
"""Of one core; above it the generator may be what limits."""
CONFIRM_RATIO = 0.9
CONFIRM_FACTORS = (1.0, 1.0, 0.93, 0.86, 0.8)
"""Of the plateau, one after the other until one is confirmed. The first is tried twice, as a
machine may have been disturbed; the others catch a throughput that only a closed loop reaches,
and one that collapses in overload."""
CONFIRM_REQUESTS = 1000
"""With so many, 0.9 and 1.1 of the capacity are told apart (see `stats.stability`)."""


def find_saturation(
    target: Target,
    *,
    slots: int,
    is_async: bool,
    limits: SearchLimits = NORMAL,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Capacity:
    """Find the highest throughput of a target.

    Args:
        target: What is loaded; its steps have the purposes `warm-up`, `sweep`, `plateau`
            and `confirm`.
        slots: Requests that a synchronous server works on at the same time.
        is_async: It has an event loop, so that `slots` says nothing.
        limits: How long it may take.
        on_progress: Told in a few words what is happening.

    Returns:
        The capacity. Its state says how far to trust it: FAILED and GENERATOR_LIMITED give
        no capacity of the application; with any other but SATURATED it is a range.
        Answers that are errors do not count as throughput.
    """
    first = ASYNC_IN_FLIGHT if is_async else slots
    try:
        is_steady = warm_up(target, 2 * first, limits, on_progress)
        swept = sweep(target, first, limits, on_progress)
        plateau = measure_plateau(target, swept, limits, on_progress)
    except BrokenError:
        return Capacity(
            rate_rps=0.0, low_rps=0.0, high_rps=0.0, in_flight=0, state=CapacityState.FAILED
        )
    if plateau.generator_cpu_ratio > MOST_GENERATOR_CPU_RATIO:
        return _capacity(plateau, CapacityState.GENERATOR_LIMITED)
    capacity = _confirm(target, plateau, limits, on_progress)
    if capacity.state is CapacityState.SATURATED and not (is_steady or plateau.is_level):
        return replace(capacity, state=CapacityState.NOT_STEADY)
    return capacity


def _confirm(
    target: Target, plateau: Plateau, limits: SearchLimits, on_progress: Callable[[str], None]
) -> Capacity:
    """Offer 0.9 of the plateau in open loop; lower it while the target does not keep up."""
    for attempt, factor in enumerate(CONFIRM_FACTORS, start=1):
        rate_rps = factor * plateau.rate_rps.value
        offered_rps = CONFIRM_RATIO * rate_rps
        wanted_s = CONFIRM_REQUESTS / offered_rps
        duration_s = min(limits.confirm_max_s, max(limits.confirm_min_s, wanted_s))
        on_progress(f"confirming {offered_rps:.3g} req/s in open loop")
        arrivals = Arrivals(rate_rps=offered_rps, duration_s=duration_s, seed=attempt)
        step = target.open(arrivals, "confirm")
        if keeps_up(step, plateau.in_flight):
            state = CapacityState.SATURATED if plateau.is_stable else CapacityState.UNSTABLE
            return _capacity(plateau, state, rate_rps)
        if is_late(step) and attempt > 1:
            return _capacity(plateau, CapacityState.CONTAMINATED)
    return _capacity(plateau, CapacityState.UNSTABLE)


def _capacity(plateau: Plateau, state: CapacityState, confirmed_rps: float = 0.0) -> Capacity:
    """The capacity that was confirmed, or that of the plateau; its upper end is the plateau's."""
    estimate = plateau.rate_rps
    factor = confirmed_rps / estimate.value if confirmed_rps else 1.0
    return Capacity(
        rate_rps=estimate.value * factor,
        low_rps=max(0.0, estimate.low * factor),
        high_rps=estimate.high,
        in_flight=plateau.in_flight,
        state=state,
        sustained_rps=CONFIRM_RATIO * confirmed_rps,
    )
