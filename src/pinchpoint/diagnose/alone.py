"""What requests take while little else runs: under load everything takes longer.

A request that shares a CPU or the interpreter lock stretches in all of its parts, so that a part
that is small by itself looks large on a busy machine. The least of all recorded loads, the walk
included, comes nearest to what the work itself needs.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.span import Trace


def typical_ns(step: Step, endpoint: str, time_ns: Callable[[Trace], float]) -> float | None:
    """A time of an endpoint's requests in one load: the median; None if none was seen.

    Args:
        step: The load.
        endpoint: As in the samples.
        time_ns: What is asked of each trace.
    """
    own = {sample.trace_id for sample in step.samples if sample.endpoint == endpoint}
    times_ns = [time_ns(trace) for trace in step.traces if trace.trace_id in own]
    return median(times_ns) if times_ns else None


def least_ns(recording: Recording, endpoint: str, time_ns: Callable[[Trace], float]) -> float:
    """The same in the load where it is least; 0 if none was seen."""
    seen = (typical_ns(step, endpoint, time_ns) for step in recording.steps)
    return min((one for one in seen if one is not None), default=0.0)
