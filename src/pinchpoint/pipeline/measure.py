"""The measuring part of a run: walk, climb to the wall, hold the load there."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Protocol

from pinchpoint import attribute, diagnose
from pinchpoint.errors import NoTrafficError
from pinchpoint.load.open_loop import is_stable
from pinchpoint.model.capacity import CapacityState
from pinchpoint.model.recording import Step
from pinchpoint.model.workload import Arrivals
from pinchpoint.pipeline.climb import check_answers
from pinchpoint.pipeline.traffic import assumed, gather
from pinchpoint.prove.experiment import null_effect
from pinchpoint.settings import Effort
from pinchpoint.stats.pulse import rate_profile
from pinchpoint.walk import Selection, explore, fetch_plans, statements_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.model.finding import Finding
    from pinchpoint.model.target import Engine
    from pinchpoint.model.trial import Effect
    from pinchpoint.pipeline.run import Run
    from pinchpoint.pipeline.stand import Stand
    from pinchpoint.settings import Settings
    from pinchpoint.walk import Visit

PIN_SHARE = 0.9
"""What `find_saturation` confirms, and the last share of LOADS."""
LOADS = {
    Effort.QUICK: ((0.4, 2.5), (PIN_SHARE, 6.0)),
    Effort.NORMAL: ((0.3, 3.0), (0.6, 3.0), (PIN_SHARE, 10.0)),
    Effort.THOROUGH: ((0.2, 10.0), (0.4, 10.0), (0.6, 15.0), (0.8, 20.0), (PIN_SHARE, 40.0)),
}
"""(share of capacity, seconds) of the recorded open-loop steps; the last is the pin."""
FEWEST_PIN_REQUESTS = 200
"""Little's law is checked from this many completions up (DESIGN §3)."""
LONGEST_PIN_S = 45.0
PIN_ATTEMPTS = 3
PIN_STEP_DOWN = 0.8
"""The recording probe costs some of the capacity, and the machine may have become busier."""
NULL_TRIPLES = {Effort.QUICK: 2, Effort.NORMAL: 4, Effort.THOROUGH: 12}
"""Rounds of dormant, recording, dormant blocks, for the overhead and the A/A null."""


class Progress(Protocol):
    """Shows where a run is."""

    def stage(self, name: str, text: str) -> None:
        """A stage has come so far; replaces what it said before."""

    def done(self, text: str) -> None:
        """The stage has ended, with this result."""

    def finding(self, finding: Finding) -> None:
        """Something was found before the verdict."""


def walk(run: Run, stand: Stand, settings: Settings, progress: Progress) -> None:
    """Try each read route alone; the first findings come from here.

    Raises:
        NoTrafficError: No route answers.
    """
    progress.stage("walk", "reading the route table")
    visited: list[str] = []

    def on_route(endpoint: str) -> None:
        visited.append(endpoint)
        progress.stage("walk", f"{len(visited)} {endpoint}")

    start_ns = time.perf_counter_ns()
    with stand.observer.recording():
        table, known = gather(stand.running, stand.visitor(), settings)
        found = explore(
            stand.running,
            table,
            stand.visitor(),
            selection=Selection(only=settings.only, skip=settings.skip),
            known=known,
            seed=settings.seed,
            on_route=on_route,
        )
    run.skipped = found.skipped
    if not found.workload.templates:
        raise NoTrafficError(
            f"no route of {run.app.target} answers a plain GET{_reasons(run)}{_log_of(run, stand)}",
            _remedy(run),
        )
    run.workload = assumed(found.workload, stand.locustfile)
    run.steps.append(_walk_step(found.visits, start_ns))
    traces = [seen.trace for seen in found.visits if seen.trace]
    run.plans = fetch_plans(stand.running, statements_of(traces))
    run.probe = stand.probe_state()
    findings = _early_findings(run)
    for finding in findings:
        run.reached("first_finding")
        progress.finding(finding)
    progress.done(
        f"{len(found.workload.templates)} routes get load, {len(found.skipped)} skipped"
        f" · {len(findings)} early findings"
    )


def pin(run: Run, stand: Stand, engine: Engine, settings: Settings, progress: Progress) -> None:
    """Hold open-loop loads up to 0.9 of the capacity with the probe recording."""
    rate_rps = run.capacity.sustained_rps / PIN_SHARE or run.capacity.low_rps
    *loads, (share, duration_s) = LOADS[settings.effort]
    for number, (light_share, light_s) in enumerate(loads):
        arrivals = _arrivals(run, light_share * rate_rps, light_s, settings.seed + number)
        _offer(run, stand, engine, arrivals, "load", progress)
    for attempt in range(PIN_ATTEMPTS):
        pinned_rps = share * rate_rps * PIN_STEP_DOWN**attempt
        pin_s = min(LONGEST_PIN_S, max(duration_s, FEWEST_PIN_REQUESTS / pinned_rps))
        step = _offer(
            run, stand, engine, _arrivals(run, pinned_rps, pin_s, settings.seed), "pin", progress
        )
        if is_stable(step, run.capacity.in_flight):
            break
        run.warnings.append(f"{pinned_rps:.3g} req/s were too much while the probe recorded")
    run.probe = stand.probe_state()
    new = statements_of(step.traces) - {plan.statement for plan in run.plans}
    run.plans += fetch_plans(stand.running, frozenset(new))
    progress.done(f"{pinned_rps:.3g} req/s for {pin_s:.0f} s · {len(step.samples)} requests")


def _arrivals(run: Run, rate_rps: float, duration_s: float, seed: int) -> Arrivals:
    if pulse := run.workload.pulse:
        return Arrivals.following(rate_profile(pulse, rate_rps, duration_s), seed=seed)
    return Arrivals(rate_rps=rate_rps, duration_s=duration_s, seed=seed)


def _offer(  # noqa: PLR0913, PLR0917  # what `pin` was given, and one load
    run: Run,
    stand: Stand,
    engine: Engine,
    arrivals: Arrivals,
    purpose: str,
    progress: Progress,
) -> Step:
    """Offer one open-loop load with the probe recording."""
    progress.stage("pin", f"{arrivals.rate_rps:.3g} req/s for {arrivals.duration_s:.0f} s")
    with stand.observer.recording():
        step = engine.open(arrivals, purpose)
    run.steps = [one for one in run.steps if purpose != "pin" or one.purpose != "pin"]
    run.steps.append(step)
    check_answers(stand, step)
    return step


def check_itself(
    run: Run, stand: Stand, engine: Engine, settings: Settings, progress: Progress
) -> None:
    """Measure the probe's overhead and the A/A null from interleaved closed-loop blocks.

    Not at a fixed rate: the blocks saturate the application.
    """
    if run.capacity.state is CapacityState.NOT_SOUGHT:
        return
    order = random.Random(settings.seed)  # noqa: S311  # an order of blocks, not a secret
    block_s = min(3.0, max(1.0, 40 / run.capacity.rate_rps))
    dormant: list[tuple[float, float]] = []
    overheads: list[float] = []
    for number in range(NULL_TRIPLES[settings.effort]):
        progress.stage("null", f"A/A and overhead, round {number + 1}")
        rates: dict[str, float] = {}
        for kind in order.sample(("first", "second", "recording"), 3):
            rates[kind] = _block_rps(run, stand, engine, block_s, is_recording=kind == "recording")
        if min(rates.values()) <= 0:
            continue
        dormant.append((rates["first"], rates["second"]))
        overheads.append(1 - 2 * rates["recording"] / (rates["first"] + rates["second"]))
    if not overheads:
        return
    run.overhead_ratio = statistics.median(overheads)
    run.null_effect = null_effect(dormant)
    progress.done(_null_text(run.null_effect, run.overhead_ratio))


def _block_rps(
    run: Run, stand: Stand, engine: Engine, block_s: float, *, is_recording: bool
) -> float:
    stand.probe.set_recording(on=is_recording)
    try:
        batches = list(engine.closed(run.capacity.in_flight, block_s, "overhead"))
    finally:
        stand.probe.set_recording(on=False)
    engine.steps.pop()
    duration_s = sum(batch.duration_s for batch in batches)
    return sum(batch.completions for batch in batches) / duration_s if duration_s else 0.0


def _null_text(effect: Effect | None, overhead_ratio: float) -> str:
    text = f"probe overhead {overhead_ratio:.1%}"
    if effect is not None:
        difference = effect.ratio - 1
        text = f"A/A difference {difference:+.1%} · {text}"
    return text


def _walk_step(visits: Sequence[Visit], start_ns: int) -> Step:
    return Step(
        purpose="walk",
        start_ns=start_ns,
        duration_s=(time.perf_counter_ns() - start_ns) / 1e9,
        in_flight=1,
        samples=tuple(seen.sample for seen in visits),
        traces=tuple(seen.trace for seen in visits if seen.trace),
    )


def _early_findings(run: Run) -> tuple[Finding, ...]:
    recording = run.recording()
    budgets = attribute.attribute(recording)
    return diagnose.diagnose(recording, budgets, attribute.blame(recording))


def _log_of(run: Run, stand: Stand) -> str:
    """The end of the application's log, if it failed."""
    has_failed = any(route.reason.startswith(("answers 5", "no answer")) for route in run.skipped)
    return f"\n\nThe end of its log:\n{stand.child.tail(12)}" if has_failed else ""


def _remedy(run: Run) -> str:
    if any(route.reason.startswith("answers 5") for route in run.skipped):
        return "The application fails by itself: mend what its log says first."
    return "Routes that write, call out or need a login get no load."


def _reasons(run: Run) -> str:
    lines = [f"\n  {route.endpoint}: {route.reason}" for route in run.skipped[:12]]
    more = len(run.skipped) - len(lines)
    return ":" + "".join(lines) + (f"\n  and {more} more" if more > 0 else "") if lines else ""
