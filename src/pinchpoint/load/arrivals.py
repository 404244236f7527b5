"""When the requests of an open loop start."""

from __future__ import annotations

import random
from array import array
from typing import TYPE_CHECKING

from pinchpoint.model.workload import ArrivalProcess

if TYPE_CHECKING:
    from pinchpoint.model.workload import Arrivals


def start_times_s(arrivals: Arrivals) -> array[float]:
    """The schedule: seconds from the start of the step, ascending.

    Poisson arrivals have independent, exponentially distributed gaps; constant ones stand
    in the middle of equal intervals. The same arrivals give the same schedule.
    """
    if arrivals.process is ArrivalProcess.CONSTANT:
        count = round(arrivals.rate_rps * arrivals.duration_s)
        return array("d", ((number + 0.5) / arrivals.rate_rps for number in range(count)))
    dice = random.Random(arrivals.seed)  # noqa: S311  # a schedule, not a secret
    times_s = array("d")
    time_s = dice.expovariate(arrivals.rate_rps)
    while time_s < arrivals.duration_s:
        times_s.append(time_s)
        time_s += dice.expovariate(arrivals.rate_rps)
    return times_s
