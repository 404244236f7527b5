from __future__ import annotations

import math
import random

from pinchpoint.stats.steady import steady_start


def warming(seed: int, *, tau_s: float, count: int) -> list[float]:
    """Throughput per half second that starts 50 % too low, with 2 % of noise."""
    dice = random.Random(seed)
    return [
        100 * (1 - 0.5 * math.exp(-0.5 * number / tau_s)) + dice.gauss(0, 2)
        for number in range(count)
    ]


def test_cuts_the_slow_beginning() -> None:
    assert steady_start([10, 40, 80, 90, *[100, 101, 99, 100] * 6]) == 4


def test_a_steady_series_keeps_its_beginning() -> None:
    assert steady_start([100, 101] * 10) == 0


def test_a_series_that_still_rises_is_not_steady() -> None:
    assert steady_start([float(number) for number in range(40)]) is None


def test_a_short_series_says_nothing() -> None:
    assert steady_start([100.0] * 7) is None


def test_the_bias_after_the_cut_is_below_one_percent() -> None:
    means = []
    for seed in range(50):
        values = warming(seed, tau_s=2, count=40)
        cut = steady_start(values) or 0
        means.append(sum(values[cut:]) / len(values[cut:]))
    assert abs(sum(means) / len(means) - 100) < 1
