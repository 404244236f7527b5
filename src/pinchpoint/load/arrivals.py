"""When the requests of an open loop start."""

from __future__ import annotations

import math
import random
from array import array
from itertools import accumulate, count, pairwise, repeat
from typing import TYPE_CHECKING

from pinchpoint.model.workload import ArrivalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.workload import Arrivals


def start_times_s(arrivals: Arrivals) -> array[float]:
    """The schedule: seconds from the start of the step, ascending.

    Poisson arrivals have independent, exponentially distributed gaps; constant ones stand
    in the middle of equal intervals. Where the rate changes, both are drawn at rate 1 and
    the axis of time is stretched by the inverse of the cumulated rate (Cinlar, Introduction
    to Stochastic Processes, 1975, §4.7). The same arrivals give the same schedule.
    """
    if arrivals.process is ArrivalProcess.RECORDED:
        return array("d", sorted(arrivals.starts_s))
    steady = ((0.0, arrivals.rate_rps), (arrivals.duration_s, arrivals.rate_rps))
    times_s = array("d")
    before = 0.0
    points = _points(arrivals)
    point = next(points)
    for (begin_s, begin_rps), (end_s, end_rps) in pairwise(arrivals.profile or steady):
        duration_s = end_s - begin_s
        requests = duration_s * (begin_rps + end_rps) / 2
        while point < before + requests:
            time_s = begin_s + _time_s(point - before, begin_rps, end_rps, duration_s)
            times_s.append(min(time_s, end_s))
            point = next(points)
        before += requests
    return times_s


def _points(arrivals: Arrivals) -> Iterator[float]:
    """Arrivals at rate 1, for ever."""
    if arrivals.process is ArrivalProcess.CONSTANT:
        return count(0.5)
    draw = random.Random(arrivals.seed).expovariate  # noqa: S311  # a schedule, not a secret
    return accumulate(draw(1.0) for _ in repeat(None))


def _time_s(requests: float, begin_rps: float, end_rps: float, duration_s: float) -> float:
    """When a rate that changes in a straight line has brought so many requests.

    The root of begin t + slope t^2 / 2 = requests, in the form that also holds for slope 0.
    """
    slope = (end_rps - begin_rps) / duration_s
    root = math.sqrt(max(0.0, begin_rps * begin_rps + 2 * slope * requests))
    return 2 * requests / (begin_rps + root) if requests else 0.0
