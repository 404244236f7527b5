from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.stats.intervals import (
    Interval,
    autocorrelation,
    mean_interval,
    ratio_of,
    t_quantile,
)


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [  # from any printed table
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.95, 9, 1.833),
        (0.995, 10, 3.169),
        (0.975, 30, 2.042),
        (0.975, 1000, 1.962),
    ],
)
def test_t_quantiles_are_those_of_the_tables(
    probability: float, degrees: int, expected: float
) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(expected, abs=6e-4)


def series(seed: int, correlation: float, count: int = 20) -> list[float]:
    """A first-order autoregressive series with mean 100."""
    dice = random.Random(seed)
    value, values = 0.0, []
    for _ in range(50 + count):
        value = correlation * value + dice.gauss(0, 1)
        values.append(100 + value)
    return values[50:]


@pytest.mark.parametrize(("correlation", "coverage"), [(0.0, 0.93), (0.4, 0.85)])
def test_the_interval_of_a_mean_holds_it_about_as_often_as_it_says(
    correlation: float, coverage: float
) -> None:
    intervals = [mean_interval(series(seed, correlation)) for seed in range(300)]
    assert sum(one.low <= 100 <= one.high for one in intervals) / 300 >= coverage


def test_alike_neighbours_widen_the_interval() -> None:
    blocks = mean_interval([1, 1, 1, 1, 2, 2, 2, 2])
    alternating = mean_interval([1, 2, 1, 2, 1, 2, 1, 2])
    assert blocks.half_width_ratio > 1.5 * alternating.half_width_ratio


def test_two_values_say_nothing_about_their_scatter() -> None:
    assert mean_interval([1, 3]) == (2, -math.inf, math.inf)


def test_a_mean_of_zero_has_no_relative_width() -> None:
    assert mean_interval([0, 0, 0]).half_width_ratio == math.inf


def test_autocorrelation_of_known_series() -> None:
    assert autocorrelation([5, 5, 5]) == 0
    assert autocorrelation([1, -1, 1, -1]) == pytest.approx(-0.75)  # 3 products of -1 over 4


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_mean_lies_within_its_interval(values: list[float]) -> None:
    interval = mean_interval(values)
    assert interval.low <= interval.value <= interval.high


def test_a_ratio_has_the_scatter_of_both() -> None:
    ratio = ratio_of(Interval(50, 50 / 1.03, 50 * 1.03), Interval(100, 100 / 1.04, 104))
    spread = math.exp(math.hypot(math.log(1.03), math.log(1.04)))
    assert ratio == pytest.approx((0.5, 0.5 / spread, 0.5 * spread))


def test_the_interval_of_a_ratio_holds_as_often_as_it_says() -> None:
    dice = random.Random(4)
    truth, held = 0.7, 0
    for _ in range(1000):
        changed, baseline = dice.gauss(70, 2), dice.gauss(100, 4)
        ratio = ratio_of(
            Interval(changed, changed - 3.92, changed + 3.92),
            Interval(baseline, baseline - 7.84, baseline + 7.84),
        )
        held += ratio.low <= truth <= ratio.high
    assert 930 <= held <= 970


def test_a_ratio_of_what_may_be_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ratio_of(Interval(1, 0, 2), Interval(1, 0.9, 1.1))
