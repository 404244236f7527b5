"""How the rate of arrivals changes from second to second."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import accumulate, pairwise
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PULSE_S = 60
"""Longer than any step at one rate; short enough that its bursts are not averaged away."""


def busiest_pulse(starts_s: Iterable[float]) -> tuple[float, ...]:
    """Arrivals in each second of the busiest minute, over their mean.

    Args:
        starts_s: When requests arrived, in any order.

    Returns:
        A number for each second, 1 on average; empty if the arrivals fill no minute.
    """
    counts = Counter(int(start_s) for start_s in starts_s)
    seconds = sorted(counts)
    if not seconds or seconds[-1] - seconds[0] + 1 < PULSE_S:
        return ()
    sums = [0, *accumulate(counts[second] for second in seconds)]

    def in_minute(index: int) -> int:
        return sums[bisect_left(seconds, seconds[index] + PULSE_S)] - sums[index]

    whole = bisect_right(seconds, seconds[-1] - PULSE_S + 1)
    begin = seconds[max(range(whole), key=in_minute)]
    minute = [counts[second] for second in range(begin, begin + PULSE_S)]
    return tuple(count / fmean(minute) for count in minute)


def rate_profile(
    pulse: Sequence[float], rate_rps: float, duration_s: float
) -> tuple[tuple[float, float], ...]:
    """The corners (second, requests/s) of a rate that follows a pulse, with a given mean.

    Args:
        pulse: Of each second; repeated where the step is longer.
        rate_rps: Mean over the step.
        duration_s: Of the step, above 0.
    """
    edges = [float(second) for second in range(int(duration_s) + 1)]
    if edges[-1] < duration_s:
        edges.append(duration_s)
    parts = [
        (begin_s, end_s, pulse[number % len(pulse)])
        for number, (begin_s, end_s) in enumerate(pairwise(edges))
    ]
    mean = sum((end_s - begin_s) * level for begin_s, end_s, level in parts) / duration_s
    # A pulse that begins with silence would leave a short step without arrivals.
    levels = [level / mean if mean else 1.0 for _, _, level in parts]
    return tuple(
        corner
        for (begin_s, end_s, _), level in zip(parts, levels, strict=True)
        for corner in ((begin_s, level * rate_rps), (end_s, level * rate_rps))
    )
