"""Response times against servers of known truth: the server's own record says what they were."""

from __future__ import annotations

import statistics
from itertools import product
from typing import TYPE_CHECKING

from load_generators import QUANTILES, engine, run_locust, run_wrk
from load_server import exact_response_times_s, running_server
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.workload import Arrivals
from pinchpoint.stats.quantiles import quantile
from rows import NotRunError, Row, at_most, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from load_generators import Outcome
    from load_rows import Effort, Tools
    from load_server import Answered
    from pinchpoint.model.recording import Step

SHAPES = ("stall", "overload", "two-speed")
RATE_RPS = 1200.0
"""In the stall's second, and behind the slow server, 1,000 connections are then needed."""
ERROR_RATIO = 0.005
ERROR_S = 0.000_3
"""The larger of the two is allowed."""
BESIDE_CONNECTIONS = 10
NAMES = ("mean", *(f"p{share * 100:g}" for share in QUANTILES))
P99 = NAMES.index("p99")


def truth(_: Tools, effort: Effort) -> Iterator[Row]:
    """What our engine says and what the server says, as a share of the error that is allowed."""
    for shape, connections in product(SHAPES, effort.connections):
        name = f"error / allowed error, {shape}, {connections} connections"
        arrivals = Arrivals(rate_rps=RATE_RPS, duration_s=effort.truth_s)
        with (
            running_server(shape) as server,
            engine(server.url, most_connections=connections) as ours,
        ):
            step = ours.loop.open(arrivals, "pin")
        yield _row(name, len(start_times_s(arrivals)), step, server.answered)


def beside(tools: Tools, effort: Effort) -> Iterator[Row]:
    """What wrk and Locust say of the same servers; an open loop at RATE_RPS sees `exact`."""
    for shape in SHAPES:
        arrivals = Arrivals(rate_rps=RATE_RPS, duration_s=effort.truth_s)
        first_s, *_ = starts_s = start_times_s(arrivals)
        exact = _summary(exact_response_times_s(shape, [one_s - first_s for one_s in starts_s]))
        for name in ("wrk", "Locust"):
            try:
                found = _run(name, tools, shape, effort.truth_s)
            except NotRunError as error:
                yield Row(name=f"p99, s, {shape}: {name}", value=None, note=f"not run: {error}")
            else:
                yield _beside_row(f"p99, s, {shape}: {name}", found, exact)


def _row(name: str, scheduled: int, step: Step, answered: Sequence[Answered]) -> Row:
    """The largest error of mean and quantiles, if every arrival is one sample and one answer."""
    measured = {sample.trace_id: sample.response_time_s for sample in step.samples}
    true = {one.trace_id: (one.answered_ns - one.intended_ns) / 1e9 for one in answered}
    if not len(step.samples) == len(measured) == len(answered) == len(true) == scheduled:
        note = f"{scheduled} scheduled, {len(step.samples)} samples, {len(answered)} answered"
        return Row(name=name, value=None, n=scheduled, bar=1, met=False, note=note)
    seen_s, true_s = _summary([*measured.values()]), _summary([*true.values()])
    errors = [
        abs(ours - truth) / max(ERROR_RATIO * truth, ERROR_S)
        for ours, truth in zip(seen_s, true_s, strict=True)
    ]
    worst = errors.index(max(errors))
    preempted = step.generator.involuntary_switches if step.generator else 0
    note = (
        f"{NAMES[worst]} {seen_s[worst] * 1e3:.2f} ms, true {true_s[worst] * 1e3:.2f} ms; "
        f"preempted {preempted} times"
    )
    return at_most(name, spread(errors, errors[worst]), n=scheduled, bar=1, note=note)


def _summary(times_s: Sequence[float]) -> list[float]:
    """The mean, and the quantiles."""
    return [statistics.fmean(times_s), *(quantile(times_s, share) for share in QUANTILES)]


def _run(name: str, tools: Tools, shape: str, duration_s: float) -> Outcome:
    program = tools.find_wrk() if name == "wrk" else tools.find_locust()
    with running_server(shape) as server:
        if name == "wrk":
            return run_wrk(program, server.url, BESIDE_CONNECTIONS, duration_s)
        return run_locust(program, server.url, BESIDE_CONNECTIONS, duration_s, RATE_RPS)


def _beside_row(name: str, found: Outcome, exact: Sequence[float]) -> Row:
    return Row(
        name=name,
        value=found.quantiles_s[P99 - 1],
        n=found.requests,
        note=f"exact {exact[P99]:.3f}; mean {found.mean_s:.3f}, exact {exact[0]:.3f}",
    )
