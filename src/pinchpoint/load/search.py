"""Find the saturation point: warm up, sweep, measure the plateau, confirm it in open loop.

Capacity is the height of a plateau, not the end of a search: in a closed loop with enough
requests in flight the throughput is the capacity, and its mean converges within seconds,
where a bisection on the arrival rate needs minutes and keeps each wrong verdict.
Only completions are counted in the closed loop; its response times mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.target import Batch
from pinchpoint.model.workload import Arrivals
from pinchpoint.stats.intervals import Interval, mean_interval
from pinchpoint.stats.quantiles import quantile
from pinchpoint.stats.stability import is_sustained
from pinchpoint.stats.steady import steady_start

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pinchpoint.model.recording import Step
    from pinchpoint.model.target import Target

ASYNC_IN_FLIGHT = 8
"""Where the sweep of an event loop starts: it has no number of slots."""
MOST_IN_FLIGHT = 512
"""Where the sweep ends at the latest; half of the connections that the engine opens."""
FLAT_RATIO = 1.08
"""A doubling of the requests in flight that gains less has reached the plateau ..."""
FLAT_STEPS = 2
"""... if that happens so many times in a row: one step of the sweep is noisy."""
NEAR_MAXIMUM_RATIO = 0.95
"""The fewest requests in flight that reach this share of the best step are enough."""
SWEEP_COMPLETIONS = 60
BATCH_COMPLETIONS = 20
"""Fewer completions make a batch that is not nearly normal."""
MOST_HALF_WIDTH_RATIO = 0.1
"""A plateau whose 95 % interval is wider moves by itself: unstable. Few completions excuse it:
counting alone gives 2 / sqrt(n), and half as much again is allowed."""
MOST_DRIFT_RATIO = 0.05
"""Between the halves of a plateau that a warm-up did not reach."""
MOST_GENERATOR_CPU_RATIO = 0.8
"""Of one core; above it the generator may be what limits."""
BREAKER_ERROR_RATIO = 0.5
BREAKER_COMPLETIONS = 20
"""An application that answers mostly errors is not loaded any further; from so many answers up."""
CONFIRM_RATIO = 0.9
STEP_DOWN_RATIO = 0.93
STEPS_DOWN = 3
"""Catches a throughput that exists only in overload, and one that collapses in it."""
CONFIRM_REQUESTS = 1000
"""With so many, 0.9 and 1.1 of the capacity are told apart (see `stats.stability`)."""
MOST_ERROR_RATIO = 0.001
LAG_FLOOR_S = 0.001
LAG_RATIO = 0.1
"""An open loop is on schedule if the lag's p99 is below the floor or this share of the
response time's p99."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """How long each part may take, in seconds, and how precise the plateau has to be.

    Attributes:
        precision_ratio: Half of the 95 % interval's width, as a share of the capacity.
    """

    warm_up_max_s: float
    sweep_min_s: float
    sweep_max_s: float
    plateau_min_s: float
    plateau_max_s: float
    precision_ratio: float
    confirm_min_s: float
    confirm_max_s: float


QUICK = SearchLimits(
    warm_up_max_s=4.0,
    sweep_min_s=1.0,
    sweep_max_s=1.5,
    plateau_min_s=3.0,
    plateau_max_s=6.0,
    precision_ratio=0.05,
    confirm_min_s=3.0,
    confirm_max_s=4.0,
)
"""18 to 34 s. Simulated: 88 % and 64 %."""
NORMAL = SearchLimits(
    warm_up_max_s=8.0,
    sweep_min_s=1.5,
    sweep_max_s=3.0,
    plateau_min_s=6.0,
    plateau_max_s=12.0,
    precision_ratio=0.025,
    confirm_min_s=5.0,
    confirm_max_s=8.0,
)
"""26 to 42 s. Simulated with four applications, 30 seeds each: within 5 % of the truth in 93 %
of the runs on a quiet machine (speed wanders by 1 %) and in 78 % on a noisy one (5 %)."""
THOROUGH = SearchLimits(
    warm_up_max_s=15.0,
    sweep_min_s=1.5,
    sweep_max_s=5.0,
    plateau_min_s=6.0,
    plateau_max_s=40.0,
    precision_ratio=0.015,
    confirm_min_s=5.0,
    confirm_max_s=15.0,
)
"""32 to 75 s. Simulated: 99 % and 96 %."""


class _BrokenError(Exception):
    """The application answers mostly errors, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plateau:
    rate_rps: Interval
    in_flight: int
    batches: Sequence[Batch]

    @property
    def generator_cpu_ratio(self) -> float:
        return sum(batch.generator_cpu_s for batch in self.batches) / _elapsed_s(self.batches)

    @property
    def is_level(self) -> bool:
        """Its halves are alike."""
        half = len(self.batches) // 2
        early_rps, late_rps = _rate_rps(self.batches[:half]), _rate_rps(self.batches[half:])
        return abs(late_rps - early_rps) <= MOST_DRIFT_RATIO * self.rate_rps.value

    @property
    def is_stable(self) -> bool:
        """Its interval is not much wider than the counting of completions explains."""
        counting_ratio = 3 / math.sqrt(sum(map(_good, self.batches)))
        return self.rate_rps.half_width_ratio <= max(MOST_HALF_WIDTH_RATIO, counting_ratio)


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
        is_steady = _warm_up(target, 2 * first, limits, on_progress)
        enough = _sweep(target, first, limits, on_progress)
        plateau = _measure_plateau(target, enough, limits, on_progress)
    except _BrokenError:
        return Capacity(
            rate_rps=0.0, low_rps=0.0, high_rps=0.0, in_flight=0, state=CapacityState.FAILED
        )
    if plateau.generator_cpu_ratio > MOST_GENERATOR_CPU_RATIO:
        return _capacity(plateau, CapacityState.GENERATOR_LIMITED)
    capacity = _confirm(target, plateau, limits, on_progress)
    if capacity.state is CapacityState.SATURATED and not (is_steady or plateau.is_level):
        return replace(capacity, state=CapacityState.NOT_STEADY)
    return capacity


def _warm_up(
    target: Target, in_flight: int, limits: SearchLimits, on_progress: Callable[[str], None]
) -> bool:
    """Load until the throughput is steady; False if it never is."""
    rates: list[float] = []
    with _loading(target, in_flight, limits.warm_up_max_s, "warm-up") as running:
        for batch in running:
            rates.append(_rate_rps([batch]))
            on_progress(f"warming up: {rates[-1]:.3g} req/s")
            if steady_start(rates) is not None:
                return True
    return False


def _sweep(
    target: Target, first: int, limits: SearchLimits, on_progress: Callable[[str], None]
) -> int:
    """Double the requests in flight until it gains nothing; the fewest that are enough."""
    rates: dict[int, float] = {}
    in_flight, flat = first, 0
    while flat < FLAT_STEPS and in_flight <= max(MOST_IN_FLIGHT, first):
        best = max(rates.values(), default=0.0)
        rates[in_flight] = _throughput(target, in_flight, limits)
        on_progress(f"{in_flight} in flight: {rates[in_flight]:.3g} req/s")
        flat = flat + 1 if rates[in_flight] < FLAT_RATIO * best else 0
        in_flight *= 2
    best = max(rates.values())
    if best == 0:
        raise _BrokenError
    enough = next(number for number, rate in rates.items() if rate >= NEAR_MAXIMUM_RATIO * best)
    return max(enough, 2 * first)


def _throughput(target: Target, in_flight: int, limits: SearchLimits) -> float:
    """Good answers per second in one step of the sweep; the first batch only fills the server."""
    batches: list[Batch] = []
    with _loading(target, in_flight, limits.sweep_max_s, "sweep") as running:
        next(running)
        for batch in running:
            batches.append(batch)
            is_enough = sum(map(_good, batches)) >= SWEEP_COMPLETIONS
            if is_enough and _elapsed_s(batches) >= limits.sweep_min_s:
                break
    return _rate_rps(batches)


def _measure_plateau(
    target: Target, in_flight: int, limits: SearchLimits, on_progress: Callable[[str], None]
) -> _Plateau:
    """Average the throughput until its interval is narrow enough or the time is over."""
    batches: list[Batch] = []
    estimate = Interval(0.0, 0.0, 0.0)
    with _loading(target, in_flight, limits.plateau_max_s, "plateau") as running:
        next(running)
        for batch in running:
            batches.append(batch)
            if rates := _group_rates(batches):
                estimate = mean_interval(rates)
                on_progress(f"plateau with {in_flight} in flight: {estimate.value:.3g} req/s")
            is_precise = estimate.half_width_ratio <= limits.precision_ratio
            if is_precise and _elapsed_s(batches) >= limits.plateau_min_s:
                break
    if estimate.value == 0:
        raise _BrokenError
    return _Plateau(rate_rps=estimate, in_flight=in_flight, batches=batches)


def _group_rates(batches: Sequence[Batch]) -> list[float]:
    """Throughput of equally long groups of neighbours; a rest at the end is left out.

    The length is chosen for the mean of all: a group that ended with its 20th completion
    would end early whenever the throughput happens to be high. At least four groups are
    made, however few completions that leaves to each.
    """
    mean = sum(map(_good, batches)) / len(batches)
    if mean == 0:
        return []
    size = max(1, min(math.ceil(BATCH_COMPLETIONS / mean), len(batches) // 4))
    groups = (batches[start : start + size] for start in range(0, len(batches), size))
    return [_rate_rps(group) for group in groups if len(group) == size]


def _confirm(
    target: Target, plateau: _Plateau, limits: SearchLimits, on_progress: Callable[[str], None]
) -> Capacity:
    """Offer 0.9 of the plateau in open loop; lower it while the target does not keep up."""
    rate_rps = plateau.rate_rps.value
    for attempt in range(STEPS_DOWN + 1):
        offered_rps = CONFIRM_RATIO * rate_rps
        wanted_s = CONFIRM_REQUESTS / offered_rps
        duration_s = min(limits.confirm_max_s, max(limits.confirm_min_s, wanted_s))
        on_progress(f"confirming {offered_rps:.3g} req/s in open loop")
        arrivals = Arrivals(rate_rps=offered_rps, duration_s=duration_s, seed=attempt + 1)
        step = target.open(arrivals, "confirm")
        if _keeps_up(step, plateau.in_flight):
            state = CapacityState.SATURATED if plateau.is_stable else CapacityState.UNSTABLE
            return _capacity(plateau, state, rate_rps)
        if _is_late(step):
            return _capacity(plateau, CapacityState.CONTAMINATED)
        rate_rps *= STEP_DOWN_RATIO
    return _capacity(plateau, CapacityState.UNSTABLE)


def _capacity(plateau: _Plateau, state: CapacityState, confirmed_rps: float = 0.0) -> Capacity:
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


def _keeps_up(step: Step, in_flight: int) -> bool:
    end_ns = step.start_ns + step.duration_s * 1e9
    unanswered = sum(sample.completed_ns > end_ns for sample in step.samples)
    errors = sum(not sample.is_ok for sample in step.samples)
    has_few_errors = errors <= MOST_ERROR_RATIO * len(step.samples)
    return has_few_errors and is_sustained(len(step.samples), unanswered, in_flight)


def _is_late(step: Step) -> bool:
    """The generator did not keep the schedule, so that a backlog may be its own fault."""
    if not step.samples:
        return False
    lag_s = quantile([sample.client_lag_s for sample in step.samples], 0.99)
    response_s = quantile([sample.response_time_s for sample in step.samples], 0.99)
    return lag_s > max(LAG_FLOOR_S, LAG_RATIO * response_s)


@contextmanager
def _loading(
    target: Target, in_flight: int, max_s: float, purpose: str
) -> Generator[Generator[Batch, None, None]]:
    """Run a closed loop for as long as the context lasts, or `max_s`."""
    with closing(_guarded(target.closed(in_flight, max_s, purpose))) as running:
        yield running


def _guarded(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Pass batches on; stop loading an application that answers mostly errors."""
    completions = errors = 0
    with closing(batches):
        for batch in batches:
            completions += batch.completions
            errors += batch.errors
            if completions >= BREAKER_COMPLETIONS and errors > BREAKER_ERROR_RATIO * completions:
                raise _BrokenError
            yield batch


def _rate_rps(batches: Sequence[Batch]) -> float:
    return sum(map(_good, batches)) / _elapsed_s(batches)


def _elapsed_s(batches: Sequence[Batch]) -> float:
    return sum(batch.duration_s for batch in batches)


def _good(batch: Batch) -> int:
    return batch.completions - batch.errors
