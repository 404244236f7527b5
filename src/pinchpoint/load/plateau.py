"""The plateau: in a closed loop with enough requests in flight, the throughput is the capacity.

Only completions are counted in a closed loop; its response times mean nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.model.target import Batch
from pinchpoint.stats.intervals import Interval, mean_interval
from pinchpoint.stats.steady import steady_start

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pinchpoint.load.limits import SearchLimits
    from pinchpoint.model.target import Target

MOST_IN_FLIGHT = 512
"""Where the sweep ends at the latest; half of the connections that the engine opens."""
LONGEST_QUEUE_S = 2.0
"""One flat step is enough where a request is already this long in the system: whatever is added
waits, and has to be waited for at the end of each step."""
FLAT_RATIO = 1.08
"""A doubling of the requests in flight that gains less has reached the plateau ..."""
FLAT_ERRORS = 1.5
"""... or so many standard errors of what counting completions leaves uncertain ..."""
FLAT_STEPS = 2
"""... if that happens so many times in a row: one step of the sweep is noisy."""
LINEAR_RATIO = 1.8
"""A doubling that gains more is far below the plateau: the next step leaves one out."""
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
BREAKER_ERROR_RATIO = 0.5
BREAKER_COMPLETIONS = 20
"""An application that answers mostly errors is not loaded any further; from so many answers up."""


class BrokenError(Exception):
    """The application answers mostly errors, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Steps with more and more requests in flight.

    Attributes:
        batches: By the number in flight, ascending.
        enough: The fewest in flight that reach nearly the best throughput.
    """

    batches: Mapping[int, Sequence[Batch]]
    enough: int

    def beyond(self, in_flight: int) -> list[Batch]:
        """What was measured with so many in flight, or more: on the plateau already."""
        steps = (batches for number, batches in self.batches.items() if number >= in_flight)
        return list(itertools.chain.from_iterable(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """The throughput with more in flight than enough.

    Attributes:
        rate_rps: Its mean.
        in_flight: Requests in flight that are enough for it; at least twice the server's slots,
            so that no worker ever waits for the client.
        batches: What it is the mean of.
    """

    rate_rps: Interval
    in_flight: int
    batches: Sequence[Batch]

    @property
    def generator_cpu_ratio(self) -> float:
        """Busy part of one core."""
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
        counting_ratio = 3 / math.sqrt(_good(self.batches))
        return self.rate_rps.half_width_ratio <= max(MOST_HALF_WIDTH_RATIO, counting_ratio)


def warm_up(
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


def sweep(
    target: Target, first: int, limits: SearchLimits, on_progress: Callable[[str], None]
) -> Sweep:
    """Double the requests in flight until it gains nothing.

    Raises:
        BrokenError: Nothing but errors came back.
    """
    steps: dict[int, Sequence[Batch]] = {}
    in_flight, before, flat = first, first, 0
    while flat < FLAT_STEPS and in_flight <= max(MOST_IN_FLIGHT, first):
        steps[in_flight] = _sweep_step(target, in_flight, limits)
        rate_rps = _rate_rps(steps[in_flight])
        on_progress(f"{in_flight} in flight: {rate_rps:.3g} req/s")
        is_flat = in_flight > first and not _has_gained(steps[before], steps[in_flight])
        is_linear = in_flight > first and rate_rps > LINEAR_RATIO * _rate_rps(steps[before])
        before, flat = (before, flat + 1) if is_flat else (in_flight, 0)
        if is_flat and in_flight > LONGEST_QUEUE_S * rate_rps:
            break
        in_flight *= 4 if is_linear else 2
    rates = {number: _rate_rps(batches) for number, batches in steps.items()}
    best = max(rates.values())
    if best == 0:
        raise BrokenError
    enough = next(number for number, rate in rates.items() if rate >= NEAR_MAXIMUM_RATIO * best)
    return Sweep(batches=steps, enough=enough)


def measure_plateau(
    target: Target, swept: Sweep, limits: SearchLimits, on_progress: Callable[[str], None]
) -> Plateau:
    """Average the throughput until its interval is narrow enough or the time is over.

    With twice as many in flight as are enough: what is 5 % below the maximum would be found 5 %
    too low. The steps of the sweep that had as many are part of the average.

    Raises:
        BrokenError: Nothing but errors came back.
    """
    in_flight = min(2 * swept.enough, max(swept.batches))
    before = swept.beyond(in_flight)
    batches: list[Batch] = []
    estimate = Interval(0.0, 0.0, 0.0)
    with _loading(target, in_flight, limits.plateau_max_s, "plateau") as running:
        next(running)
        for batch in running:
            batches.append(batch)
            if rates := _group_rates([*before, *batches]):
                estimate = mean_interval(rates)
                on_progress(f"plateau with {in_flight} in flight: {estimate.value:.3g} req/s")
            is_precise = estimate.half_width_ratio <= limits.precision_ratio
            if is_precise and _elapsed_s(batches) >= limits.plateau_min_s:
                break
    if estimate.value == 0:
        raise BrokenError
    enough = max(swept.enough, 2 * min(swept.batches))
    return Plateau(rate_rps=estimate, in_flight=enough, batches=[*before, *batches])


def _sweep_step(target: Target, in_flight: int, limits: SearchLimits) -> Sequence[Batch]:
    """One step of the sweep; its first batch only fills the server."""
    batches: list[Batch] = []
    with _loading(target, in_flight, limits.sweep_max_s, "sweep") as running:
        next(running)
        for batch in running:
            batches.append(batch)
            is_enough = _good(batches) >= SWEEP_COMPLETIONS
            if is_enough and _elapsed_s(batches) >= limits.sweep_min_s:
                break
    return batches


def _has_gained(before: Sequence[Batch], after: Sequence[Batch]) -> bool:
    """More was completed than the counting of completions leaves uncertain."""
    if not _good(before):
        return True
    error_ratio = math.sqrt(1 / _good(before) + 1 / max(1, _good(after)))
    least = max(FLAT_RATIO, 1 + FLAT_ERRORS * error_ratio)
    return _rate_rps(after) >= least * _rate_rps(before)


def _group_rates(batches: Sequence[Batch]) -> list[float]:
    """Throughput of equally long groups of neighbours; a rest at the end is left out.

    The length is chosen for the mean of all: a group that ended with its 20th completion
    would end early whenever the throughput happens to be high. At least four groups are
    made, however few completions that leaves to each.
    """
    mean = _good(batches) / len(batches)
    if mean == 0:
        return []
    size = max(1, min(math.ceil(BATCH_COMPLETIONS / mean), len(batches) // 4))
    groups = (batches[start : start + size] for start in range(0, len(batches), size))
    return [_rate_rps(group) for group in groups if len(group) == size]


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
                raise BrokenError
            yield batch


def _rate_rps(batches: Sequence[Batch]) -> float:
    return _good(batches) / _elapsed_s(batches)


def _elapsed_s(batches: Sequence[Batch]) -> float:
    return sum(batch.duration_s for batch in batches)


def _good(batches: Sequence[Batch]) -> int:
    """Answers that are no errors."""
    return sum(batch.completions - batch.errors for batch in batches)
