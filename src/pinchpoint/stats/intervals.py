"""Confidence intervals of means, for values that follow each other in time."""

from __future__ import annotations

import itertools
import math
import statistics
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_CORRELATION = 0.9
"""A larger lag-1 autocorrelation would leave nothing of a short series: n (1-r)/(1+r)."""


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval, in the unit of the values."""

    value: float
    low: float
    high: float

    @property
    def half_width_ratio(self) -> float:
        """Half the interval's width as a share of the estimate; infinite for an estimate of 0."""
        return (self.high - self.low) / 2 / abs(self.value) if self.value else math.inf


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Estimate the mean of a stationary series and its confidence interval.

    Batch means with Student's t, the number of values reduced for their lag-1
    autocorrelation r: n (1-r)/(1+r), as for a first-order autoregressive series
    (Law & Kelton, Simulation Modeling and Analysis, ch. 9). A negative r is taken as 0.

    Args:
        values: Means of equally long batches, in the order of time.
        confidence: Coverage, 0 to 1.

    Returns:
        The mean and its interval; the interval is infinite for fewer than three values.

    Raises:
        ValueError: There are no values.
    """
    mean = statistics.fmean(values)
    count = len(values)
    if count < 3:
        return Interval(mean, -math.inf, math.inf)
    correlation = min(max(autocorrelation(values), 0.0), LARGEST_CORRELATION)
    effective = count * (1 - correlation) / (1 + correlation)
    error = statistics.stdev(values) / math.sqrt(effective)
    half = t_quantile((1 + confidence) / 2, count - 1) * error
    return Interval(mean, mean - half, mean + half)


def ratio_of(changed: Interval, baseline: Interval) -> Interval:
    """Divide two independent estimates of positive quantities.

    On the logarithms the variances add (delta method): each interval's half width there is
    half the logarithm of its ends' ratio.

    Raises:
        ValueError: An end of an interval is not above 0.
    """
    if min(changed.low, baseline.low) <= 0:
        raise ValueError("a ratio needs intervals above 0")
    half = math.hypot(*(math.log(one.high / one.low) / 2 for one in (changed, baseline)))
    value = changed.value / baseline.value
    return Interval(value, value * math.exp(-half), value * math.exp(half))


def autocorrelation(values: Sequence[float]) -> float:
    """The lag-1 autocorrelation; 0 for a constant series."""
    mean = statistics.fmean(values)
    deviations = [value - mean for value in values]
    square_sum = math.fsum(deviation * deviation for deviation in deviations)
    if square_sum == 0:
        return 0.0
    products = (first * second for first, second in itertools.pairwise(deviations))
    return math.fsum(products) / square_sum


@cache
def t_quantile(probability: float, degrees: int) -> float:
    """Invert Student's t distribution by bisection.

    Args:
        probability: Between 0.5 and 1, both excluded.
        degrees: Of freedom, at least 1.
    """
    angle_low, angle_high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (angle_low + angle_high) / 2
        if (1 + _central_probability(angle, degrees)) / 2 < probability:
            angle_low = angle
        else:
            angle_high = angle
    return math.sqrt(degrees) * math.tan(angle_high)


def _central_probability(angle: float, degrees: int) -> float:
    """P(|T| < t) for t = sqrt(degrees) tan(angle): Abramowitz & Stegun, 26.7.3 and 26.7.4."""
    cosine, sine = math.cos(angle), math.sin(angle)
    is_odd = degrees % 2
    term = total = (cosine if is_odd else 1.0) if degrees > 1 else 0.0
    for order in range(2 + is_odd, degrees - 1, 2):
        term *= cosine * cosine * (order - 1) / order
        total += term
    return (angle + sine * total) * 2 / math.pi if is_odd else sine * total
