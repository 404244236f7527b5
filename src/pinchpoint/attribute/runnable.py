"""How much of a statement's time the database needed, and how much the process.

A driver has the answer long before its thread has the interpreter again: with eight busy threads
a statement of 0.02 ms looks like 16 ms of SQL. The database's own account of the time in which it
executed statements says how long it really was; what exceeds that, and the time that the
statement takes while little else runs, is waiting for the interpreter, the event loop or a CPU.
"""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.span import Trace

    Limits = Mapping[str, float]


def database_limits_ns(recording: Recording, step: Step) -> Limits:
    """For each statement, the most that the database took to execute it once.

    That is what it takes alone, or, where the database was busy for longer than this explains,
    more: all by one factor, so that the sum is the database's own account.

    Returns:
        Nanoseconds by statement; empty if the database has no account of the step.
    """
    if step.database_active_s < 0:
        return {}
    seen = _durations_ns(step.traces)
    alone = _least_ns([seen, *(_durations_ns(one.traces) for one in recording.steps)])
    factor = _factor(seen, alone, step.database_active_s * 1e9)
    return {name: factor * time_ns for name, time_ns in alone.items()}


def runnable_ns(trace: Trace, limits_ns: Limits) -> float:
    """What the statements of a request exceed their limits by."""
    return sum(
        max(0.0, span.end_ns - span.start_ns - limits_ns[span.name])
        for span in trace.spans
        if span.category is Category.SQL and span.name in limits_ns
    )


def _durations_ns(traces: Sequence[Trace]) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        for span in trace.spans:
            if span.category is Category.SQL:
                found[span.name].append(span.end_ns - span.start_ns)
    return found


def _least_ns(loads: Sequence[Mapping[str, list[float]]]) -> Limits:
    """Of each statement the median duration, in the load in which it is least."""
    found: dict[str, float] = {}
    for load in loads:
        for name, durations_ns in load.items():
            found[name] = min(found.get(name, math.inf), median(durations_ns))
    return found


def _factor(seen: Mapping[str, list[float]], alone: Limits, active_ns: float) -> float:
    """The least k from 1 up for which the sum over min(duration, k x alone) is the account.

    That sum grows with k in straight pieces, which bend where k x alone reaches a duration.
    """
    ratios = sorted(
        (duration_ns / alone[name], alone[name])
        for name, durations_ns in seen.items()
        for duration_ns in durations_ns
        if alone[name] > 0
    )
    full_ns, slope_ns, factor = 0.0, sum(one for _, one in ratios), 1.0
    for bend, alone_ns in ratios:
        if full_ns + slope_ns * bend >= active_ns:
            return max(1.0, (active_ns - full_ns) / slope_ns)
        full_ns += bend * alone_ns
        slope_ns -= alone_ns
        factor = max(factor, bend)
    return factor
