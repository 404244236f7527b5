"""The rate at which the application just meets an objective, by a short staircase.

Whether a p99 is below a limit in one trial is a coin that falls well more often the lower the
rate: a rare stall decides it. So the rate is defined as the one at which the median trial meets
the objective, and found as psychophysics finds a threshold: one step up after a trial that
meets it, one down after one that does not, the steps becoming smaller (Kesten, Ann. Math.
Statist. 29(1), 1958). The mean of the last half is the estimate, and their range says between
which rates the trials turned. It is no confidence interval: simulated on M/M/1, one of those
trials' mean would hold the true rate in half of the runs only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from pinchpoint.load.open_loop import error_ratio, is_late, is_stable
from pinchpoint.model.objective import ObjectiveResult
from pinchpoint.model.workload import Arrivals
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.model.capacity import Capacity
    from pinchpoint.model.objective import Objective
    from pinchpoint.model.recording import Step
    from pinchpoint.model.target import Target

FIRST_RATIO = 0.8
"""Of the capacity; where the search begins ..."""
LEAST_RATIO = 0.05
"""... halving the rate until a trial meets the objective, or the rate is below this share."""
MOST_RATIO = 1.0
"""A short trial above the capacity may meet an objective that a long one cannot."""
FIRST_STEP = 0.15
STEP_SHRINKS = 0.7
"""The n-th step, from 0, changes the logarithm of the rate by 0.15 / sqrt(1 + 0.7 n). Simulated
with six applications, trials of 300 requests: a 90 % error of 8 % on a quiet machine, 19 % on a
noisy one. At a high utilization the p99 of a short trial reads low, and the rate high by as
much as a tenth."""
FIRST_SEED = 100
"""Of the schedules: others than those that have found the capacity."""
CONFIRM_RATIO = 0.9
CONFIRMS = 5
LOWER_RATIO = 0.9
"""A longer step at nine tenths has to meet it, else the rate is lowered, and so on: short trials
begin with an empty queue and may never see the state that a long one is stuck in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaircaseLimits:
    """How long the trials are.

    Attributes:
        trials: Of the staircase.
        trial_min_s: Of one trial ...
        trial_max_s: ... and at most, if `trial_requests` take longer than `trial_min_s`.
        trial_requests: For a p99, 300 are few.
        confirm_s: Of the long step at the end.
    """

    trials: int
    trial_min_s: float
    trial_max_s: float
    trial_requests: int
    confirm_s: float


QUICK = StaircaseLimits(
    trials=6, trial_min_s=2.5, trial_max_s=5.0, trial_requests=200, confirm_s=5.0
)
"""20 to 40 s."""
NORMAL = StaircaseLimits(
    trials=10, trial_min_s=4.0, trial_max_s=12.0, trial_requests=600, confirm_s=20.0
)
"""60 to 150 s."""
THOROUGH = StaircaseLimits(
    trials=16, trial_min_s=8.0, trial_max_s=20.0, trial_requests=600, confirm_s=30.0
)


def find_objective_rate(
    target: Target,
    objective: Objective,
    capacity: Capacity,
    *,
    limits: StaircaseLimits = NORMAL,
    on_progress: Callable[[str], None] = lambda _: None,
) -> ObjectiveResult:
    """Find the highest rate at which the median trial meets an objective.

    Args:
        target: What is loaded; its steps have the purpose `slo`.
        objective: What has to hold.
        capacity: Of the target; the rate is at most that.
        limits: How long it may take.
        on_progress: Told in a few words what is happening.
    """
    judge = _Judge(target, objective, capacity.in_flight, limits, on_progress)
    rate_rps = FIRST_RATIO * capacity.rate_rps
    while not judge.is_met(rate_rps):
        rate_rps /= 2
        if rate_rps < LEAST_RATIO * capacity.rate_rps:
            return judge.result(0.0, 0.0, 0.0)
    logs: list[float] = []
    for number in range(limits.trials):
        logs.append(math.log(rate_rps))
        step = FIRST_STEP / math.sqrt(1 + STEP_SHRINKS * number)
        up = math.exp(step if judge.is_met(rate_rps) else -step)
        rate_rps = min(MOST_RATIO * capacity.rate_rps, rate_rps * up)
    last = logs[limits.trials // 2 :]
    found_rps, high_rps = math.exp(fmean(last)), math.exp(max(last))
    for lowered in range(CONFIRMS):
        factor = LOWER_RATIO**lowered
        if judge.is_met(CONFIRM_RATIO * factor * found_rps, limits.confirm_s):
            return judge.result(factor * found_rps, factor * math.exp(min(last)), high_rps)
    return judge.result(0.0, 0.0, high_rps)


def judge_rate(  # noqa: PLR0913  # two of them have defaults
    target: Target,
    objective: Objective,
    rate_rps: float,
    in_flight: int,
    *,
    limits: StaircaseLimits = NORMAL,
    on_progress: Callable[[str], None] = lambda _: None,
) -> ObjectiveResult:
    """Decide whether the median of an odd number of trials meets an objective at one rate."""
    judge = _Judge(target, objective, in_flight, limits, on_progress)
    trials = limits.trials // 2 | 1
    met = sum(judge.is_met(rate_rps) for _ in range(trials))
    return judge.result(rate_rps, rate_rps, rate_rps, is_met=2 * met > trials)


def meets(step: Step, objective: Objective, in_flight: int) -> bool:
    """Whether one step kept all limits, and its backlog bounded."""
    times_s = [sample.response_time_s for sample in step.samples]
    return (
        bool(times_s)
        and is_stable(step, in_flight)
        and error_ratio(step) <= objective.most_errors_ratio
        and all(
            quantile(times_s, limit.quantile_ratio) <= limit.limit_s for limit in objective.limits
        )
    )


class _Judge:
    """Offers trials, each with a schedule of its own, and counts them."""

    def __init__(
        self,
        target: Target,
        objective: Objective,
        in_flight: int,
        limits: StaircaseLimits,
        on_progress: Callable[[str], None],
    ) -> None:
        self._target = target
        self._objective = objective
        self._in_flight = in_flight
        self._limits = limits
        self._on_progress = on_progress
        self._trials = self._met = 0

    def is_met(self, rate_rps: float, duration_s: float = 0.0) -> bool:
        """One trial, as long as the limits say or as asked for; repeated once if it was late."""
        limits = self._limits
        wanted_s = limits.trial_requests / rate_rps
        usual_s = min(limits.trial_max_s, max(limits.trial_min_s, wanted_s))
        self._trials += 1
        self._on_progress(f"{self._objective.text} at {rate_rps:.3g} req/s")
        arrivals = Arrivals(
            rate_rps=rate_rps, duration_s=duration_s or usual_s, seed=FIRST_SEED + self._trials
        )
        step = self._target.open(arrivals, "slo")
        if is_late(step):
            step = self._target.open(arrivals, "slo")
        is_met = meets(step, self._objective, self._in_flight)
        self._met += is_met
        return is_met

    def result(
        self, rate_rps: float, low_rps: float, high_rps: float, *, is_met: bool | None = None
    ) -> ObjectiveResult:
        return ObjectiveResult(
            objective=self._objective.text,
            is_met=rate_rps > 0 if is_met is None else is_met,
            rate_rps=rate_rps,
            low_rps=low_rps,
            high_rps=high_rps,
            trials=self._trials,
            met_trials=self._met,
        )
