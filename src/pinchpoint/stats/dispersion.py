"""How bursty arrivals are."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import fmean, pvariance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STRETCH = 60
"""Windows over which the rate counts as steady: the course of the day is no burst."""
FEWEST_ARRIVALS = 1000
"""Below this the index of a Poisson process itself is off by more than a tenth."""


def dispersion_index(starts_s: Iterable[float], window_s: float = 1.0) -> float | None:
    """Variance over mean of the arrivals in a window: 1 for a Poisson process, more in bursts.

    The index of dispersion for counts (Gusella, IEEE JSAC 9(2), 1991), pooled over stretches
    of 60 windows: the sum of the variances within each over the sum of the means.

    Args:
        starts_s: When requests arrived, in any order.
        window_s: Length of a window; not below the resolution of the times.

    Returns:
        The index; None below 1,000 arrivals, or if they fill less than one stretch.
    """
    counts = Counter(int(start_s // window_s) for start_s in starts_s)
    if counts.total() < FEWEST_ARRIVALS:
        return None
    stretches: dict[int, list[int]] = defaultdict(list)
    first, last = min(counts), max(counts)
    for stretch in sorted({(number - first) // STRETCH for number in counts}):
        begin = first + stretch * STRETCH
        if begin + STRETCH - 1 <= last:
            stretches[stretch] = [counts[number] for number in range(begin, begin + STRETCH)]
    mean = sum(fmean(one) for one in stretches.values())
    return sum(pvariance(one) for one in stretches.values()) / mean if mean else None
