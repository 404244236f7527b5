"""Measure an application without a probe inside: capacity and response times, no causes."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.errors import InconclusiveError, LaunchError, NoTrafficError
from pinchpoint.launch.guardian import Child
from pinchpoint.load.engines.openloop import OpenLoop
from pinchpoint.model.recording import Step
from pinchpoint.model.running import Running
from pinchpoint.model.workload import Arrivals
from pinchpoint.pipeline.climb import climb
from pinchpoint.pipeline.measure import NULL_TRIPLES, PIN_SHARE
from pinchpoint.pipeline.stand import with_headers
from pinchpoint.prove.experiment import null_effect
from pinchpoint.settings import Effort
from pinchpoint.walk import Client, Selection, explore, read_from_outside

if TYPE_CHECKING:
    from pinchpoint.errors import PinchpointError
    from pinchpoint.model.sample import Sample
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.pipeline.run import Run
    from pinchpoint.settings import Settings
    from pinchpoint.walk import Exploration, Visit

LOADS = {
    Effort.QUICK: ((0.25, 3.0), (0.5, 3.0), (0.7, 4.0)),
    Effort.NORMAL: ((0.15, 5.0), (0.3, 5.0), (0.5, 8.0), (0.7, 12.0)),
    Effort.THOROUGH: ((0.1, 15.0), (0.2, 15.0), (0.35, 20.0), (0.5, 30.0), (0.7, 60.0)),
}
"""(share of capacity, seconds) of each rate. Above 0.7 of the capacity a p99 does not settle
within minutes (DESIGN §4); what happens there, the search's confirmation at 0.9 shows."""
BLOCK_S = 1.5
NOT_GUARDED = "nothing keeps the application from writing: only GETs were sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """An application that accepts requests, seen from outside.

    Attributes:
        running: Where.
        start: Starts a process of the load engine.
    """

    running: Running
    start: Callable[[Sequence[str]], Child]

    def failure(self) -> PinchpointError:
        """Why no load could be offered: it is gone, or it answers with errors."""
        seen = Client(self.running).get("GET /", "/").sample
        if seen.error:
            return LaunchError(
                f"{self.running.app.target} went away under load: {seen.error}",
                "Its own log may name the cause.",
            )
        return InconclusiveError(
            "most answers were errors as soon as load was offered",
            "A limiter of requests, or of connections, in front of it would do that.",
        )


def measure_outside(run: Run, one: Outside, settings: Settings, progress: Progress) -> None:
    """Find routes, climb to the wall, then hold rates below it for their response times.

    Raises:
        NoTrafficError: Nothing answers with what could be loaded.
        InconclusiveError: It fails under load, or the generator is the limit.
        LaunchError: It went away.
    """
    walk_outside(run, one, settings, progress)
    engine = OpenLoop(
        start=one.start,
        workload=with_headers(run.workload, settings.headers),
        base_url=one.running.base_url,
        verifies_tls=not one.running.is_local,
    )
    try:
        climb(run, one, engine, settings, progress)
        run.reached("verdict")
        _hold_rates(run, one, engine, settings, progress)
        _check_itself(run, engine, settings, progress)
    finally:
        engine.close()


def walk_outside(run: Run, one: Outside, settings: Settings, progress: Progress) -> None:
    """Try the GET routes that can be found from outside.

    Raises:
        NoTrafficError: None of them answers.
    """
    progress.stage("walk", f"looking for routes at {one.running.base_url}")
    visit = Client(one.running, settings.headers).get
    start_ns = time.perf_counter_ns()
    table, left_out = read_from_outside(one.running, visit, settings.paths)
    found = explore(
        one.running,
        table,
        visit,
        selection=Selection(only=settings.only, skip=settings.skip),
        seed=settings.seed,
        on_route=lambda endpoint: progress.stage("walk", endpoint),
    )
    run.skipped = (*found.skipped, *left_out)
    if not found.workload.templates:
        raise _nothing_answers(run, found)
    run.workload = found.workload
    run.warnings.append(NOT_GUARDED)
    run.steps.append(_walk_step(found.visits, start_ns))
    progress.done(f"{len(found.workload.templates)} routes get load, {len(run.skipped)} skipped")


def _nothing_answers(run: Run, found: Exploration) -> NoTrafficError:
    lines = "".join(f"\n  {route.endpoint}: {route.reason}" for route in run.skipped[:12])
    needs_login = [route for route in found.skipped if route.reason.startswith("needs login")]
    remedy = "Name paths that answer: --path /books --path /books/17."
    if found.skipped and len(needs_login) == len(found.skipped):
        remedy = (
            "Send what a visitor who is logged in sends: --header 'Authorization: Bearer ...';"
            " or name paths that need no login: --path /health."
        )
    return NoTrafficError(f"no path of {run.app.target} answers a plain GET:{lines}", remedy)


def _walk_step(visits: Sequence[Visit], start_ns: int) -> Step:
    return Step(
        purpose="walk",
        start_ns=start_ns,
        duration_s=(time.perf_counter_ns() - start_ns) / 1e9,
        in_flight=1,
        samples=tuple(seen.sample for seen in visits),
    )


def _hold_rates(
    run: Run, one: Outside, engine: OpenLoop, settings: Settings, progress: Progress
) -> None:
    """Offer rates below the capacity in open loop, the lightest first."""
    capacity_rps = run.capacity.sustained_rps / PIN_SHARE or run.capacity.low_rps
    for number, (share, duration_s) in enumerate(LOADS[settings.effort]):
        rate_rps = share * capacity_rps
        progress.stage("rates", f"{rate_rps:.3g} req/s for {duration_s:.0f} s")
        arrivals = Arrivals(rate_rps=rate_rps, duration_s=duration_s, seed=settings.seed + number)
        step = engine.open(arrivals, "load")
        run.steps.append(step)
        if step.samples and not any(sample.status for sample in step.samples):
            raise one.failure()
        run.warnings += _errors(step.samples, rate_rps)
    progress.done(f"{len(LOADS[settings.effort])} rates up to {rate_rps:.3g} req/s")


def _errors(samples: Sequence[Sample], rate_rps: float) -> list[str]:
    """What went wrong at one rate, the commonest first."""
    failed = Counter(sample.error or str(sample.status) for sample in samples if not sample.is_ok)
    if not failed:
        return []
    kinds = ", ".join(f"{kind}: {count}" for kind, count in failed.most_common(3))
    count = sum(failed.values())
    return [f"{count} of {len(samples)} requests failed at {rate_rps:.3g} req/s ({kinds})"]


def _check_itself(run: Run, engine: OpenLoop, settings: Settings, progress: Progress) -> None:
    """Measure the A/A null from pairs of closed-loop blocks."""
    pairs: list[tuple[float, float]] = []
    for number in range(NULL_TRIPLES[settings.effort]):
        progress.stage("null", f"A/A, pair {number + 1}")
        pair = (_block_rps(run, engine), _block_rps(run, engine))
        if min(pair) > 0:
            pairs.append(pair)
    if len(pairs) > 1:
        run.null_effect = null_effect(pairs)
    if run.null_effect is not None:
        progress.done(f"A/A difference {run.null_effect.ratio - 1:+.1%}")


def _block_rps(run: Run, engine: OpenLoop) -> float:
    block_s = max(BLOCK_S, 40 / run.capacity.rate_rps)
    batches = list(engine.closed(run.capacity.in_flight, block_s, "overhead"))
    engine.steps.pop()
    rates = [batch.completions / batch.duration_s for batch in batches if batch.duration_s]
    return statistics.fmean(rates) if rates else 0.0
