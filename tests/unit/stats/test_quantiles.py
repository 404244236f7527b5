from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.stats.quantiles import estimate_quantile, quantile


def test_a_quantile_is_interpolated() -> None:
    assert quantile([40, 10, 30, 20], 0.5) == 25
    assert quantile([1, 2, 3], 1.0) == 3
    assert quantile([7], 0.99) == 7


def test_no_values_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="at least one"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="at least one"):
        estimate_quantile([], 0.5)


def test_the_interval_of_a_p99_holds_the_truth() -> None:
    truth = 4.605170  # -ln(0.01)

    def is_covered(seed: int) -> bool:
        dice = random.Random(seed)
        estimate = estimate_quantile([dice.expovariate(1) for _ in range(2_000)], 0.99)
        return estimate.low <= truth <= estimate.high

    assert sum(map(is_covered, range(200))) / 200 >= 0.93


def test_independent_values_count_almost_fully() -> None:
    dice = random.Random(1)
    estimate = estimate_quantile([dice.random() for _ in range(4_000)], 0.9)
    assert estimate.effective_count > 2_000
    assert estimate.is_converged


def test_a_stall_makes_many_slow_answers_count_as_few() -> None:
    steady = [0.01 + i % 7 / 1000 for i in range(2_000)]
    stalled = [*steady[:1_000], *[0.5] * 100, *steady[1_100:]]
    estimate = estimate_quantile(stalled, 0.96)
    assert estimate.effective_count < 200
    assert not estimate_quantile(stalled, 0.99).is_converged


def test_few_values_are_not_enough_for_a_p99() -> None:
    assert not estimate_quantile([float(i) for i in range(100)], 0.99).is_converged


@given(
    values=st.lists(st.floats(0, 1e3), min_size=1, max_size=200),
    share=st.floats(0.01, 0.99),
)
def test_the_estimate_lies_within_its_interval(values: list[float], share: float) -> None:
    estimate = estimate_quantile(values, share)
    assert min(values) <= estimate.low <= estimate.value <= estimate.high <= max(values)
