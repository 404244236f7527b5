"""Climb to the wall, or hold the rate that was asked for; judge the objective on the way."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Protocol

from pinchpoint.errors import InconclusiveError, StoppedError
from pinchpoint.load import limits, staircase
from pinchpoint.load.failures import describe_errors
from pinchpoint.load.open_loop import error_ratio, keeps_up
from pinchpoint.load.search import find_saturation
from pinchpoint.model.app import has_slots
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.workload import Arrivals
from pinchpoint.settings import Effort

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.errors import PinchpointError
    from pinchpoint.model.objective import Objective, ObjectiveResult
    from pinchpoint.model.recording import Step
    from pinchpoint.model.target import Engine
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.pipeline.run import Run
    from pinchpoint.settings import Settings

SEARCHES = {
    Effort.QUICK: limits.QUICK,
    Effort.NORMAL: limits.NORMAL,
    Effort.THOROUGH: limits.THOROUGH,
}
STAIRCASES = {
    Effort.QUICK: staircase.QUICK,
    Effort.NORMAL: staircase.NORMAL,
    Effort.THOROUGH: staircase.THOROUGH,
}
MOST_ERROR_RATIO = 0.5
"""More errors among the answers say nothing of the application's speed."""


class Loaded(Protocol):
    """An application under load."""

    def failure(self) -> PinchpointError:
        """Why no load could be offered."""


def climb(run: Run, stand: Loaded, engine: Engine, settings: Settings, progress: Progress) -> None:
    """Find the saturation point with the probe dormant, or hold the rate that was asked for.

    Raises:
        StoppedError: The generator is the limit, or most answers are errors.
        LaunchError: The application died.
    """
    before = len(engine.steps)
    try:
        run.capacity = (_hold if settings.rate_rps else _search)(run, engine, settings, progress)
    finally:
        run.steps += engine.steps[before:]
    _check_capacity(run, stand)
    progress.done(_capacity_text(run.capacity))
    if settings.slo:
        _judge(run, engine, settings.slo, settings, progress)


def check_answers(stand: Loaded, step: Step) -> None:
    """Stop where an open-loop step was answered mostly with errors.

    Raises:
        StoppedError: It names the commonest error.
        LaunchError: The application died.
    """
    if error_ratio(step) > MOST_ERROR_RATIO:
        raise _failed(stand, step)


def _search(run: Run, engine: Engine, settings: Settings, progress: Progress) -> Capacity:
    progress.stage("climb", "warming up")
    return find_saturation(
        engine,
        slots=run.deployment.slots,
        is_async=not has_slots(run.app, run.deployment),
        limits=SEARCHES[settings.effort],
        on_progress=_teller(progress),
    )


def _hold(run: Run, engine: Engine, settings: Settings, progress: Progress) -> Capacity:
    """Offer one rate, first to warm up, then to see whether it is sustained."""
    rate_rps, search = settings.rate_rps, SEARCHES[settings.effort]
    slots = run.deployment.slots
    durations_s = {"warm-up": search.warm_up_max_s / 2, "confirm": search.confirm_min_s}
    for purpose, duration_s in durations_s.items():
        progress.stage("hold", f"{rate_rps:.3g} req/s for {duration_s:.0f} s ({purpose})")
        arrivals = Arrivals(rate_rps=rate_rps, duration_s=duration_s, seed=settings.seed)
        step = engine.open(arrivals, purpose)
        if error_ratio(step) > MOST_ERROR_RATIO:
            break
    times_s = [sample.response_time_s for sample in step.samples if sample.is_ok]
    in_flight = max(2 * slots, math.ceil(rate_rps * fmean(times_s)) if times_s else 0)
    return Capacity(
        rate_rps=rate_rps,
        low_rps=rate_rps,
        high_rps=rate_rps,
        in_flight=in_flight,
        state=CapacityState.NOT_SOUGHT,
        sustained_rps=rate_rps if keeps_up(step, 2 * slots) else 0.0,
    )


def _check_capacity(run: Run, stand: Loaded) -> None:
    state = run.capacity.state
    if state is CapacityState.FAILED:
        raise _failed(stand, run.steps[-1])
    if state is CapacityState.NOT_SOUGHT:
        check_answers(stand, run.steps[-1])
    if state is CapacityState.GENERATOR_LIMITED:
        raise StoppedError(
            "the load generator is the limit: it used most of a core at the plateau",
            "This application needs more load than one machine offers beside it.",
        )
    if state not in {CapacityState.SATURATED, CapacityState.NOT_SOUGHT}:
        run.warnings.append(f"the capacity is {state}: read it as a range")


def _failed(stand: Loaded, step: Step) -> PinchpointError:
    """The application is gone, or it answers with errors."""
    failure = stand.failure()
    if not isinstance(failure, InconclusiveError):
        return failure
    reason = describe_errors(step.samples)
    return StoppedError(reason or "nothing was answered in time", str(failure))


def _judge(
    run: Run, engine: Engine, objective: Objective, settings: Settings, progress: Progress
) -> None:
    """Find the rate at which the objective is met, or whether it is at the one asked for."""
    before, rules = len(engine.steps), STAIRCASES[settings.effort]
    progress.stage("slo", objective.text)
    try:
        if settings.rate_rps:
            in_flight = run.capacity.in_flight
            found = staircase.judge_rate(
                engine,
                objective,
                settings.rate_rps,
                in_flight,
                limits=rules,
                on_progress=_teller(progress, "slo"),
            )
        else:
            found = staircase.find_objective_rate(
                engine,
                objective,
                run.capacity,
                limits=rules,
                on_progress=_teller(progress, "slo"),
            )
    finally:
        run.steps += engine.steps[before:]
    run.capacity = replace(run.capacity, objective=found)
    progress.done(_objective_text(found))


def _teller(progress: Progress, name: str = "climb") -> Callable[[str], None]:
    return lambda text: progress.stage(name, text)


def _capacity_text(capacity: Capacity) -> str:
    if capacity.state is CapacityState.NOT_SOUGHT:
        verdict = "sustained" if capacity.sustained_rps else "more than the application sustains"
        return f"{capacity.rate_rps:.3g} req/s as asked for: {verdict}"
    return (
        f"{capacity.rate_rps:.3g} req/s ({capacity.low_rps:.3g} to {capacity.high_rps:.3g})"
        f" with {capacity.in_flight} in flight"
    )


def _objective_text(found: ObjectiveResult) -> str:
    verdict = f"met up to {found.rate_rps:.3g} req/s" if found.is_met else "not met"
    return f"{found.objective} {verdict} ({found.met_trials} of {found.trials} trials)"
