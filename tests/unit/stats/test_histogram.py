"""The histogram against the values themselves, and its merges against one histogram of all."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.stats.histogram import LARGEST, SUBBUCKETS, Histogram
from pinchpoint.stats.quantiles import quantile

times_ns = st.integers(0, LARGEST)
lists_of_times = st.lists(times_ns, max_size=60)


@given(st.lists(times_ns, min_size=1), st.floats(0, 1))
def test_a_quantile_is_off_by_half_a_thousandth_at_most(values: list[int], share: float) -> None:
    assert Histogram(values).quantile(share) == pytest.approx(quantile(values, share), rel=0.0005)


@given(st.lists(times_ns, min_size=1))
def test_the_mean_is_off_by_half_a_thousandth_at_most(values: list[int]) -> None:
    assert Histogram(values).mean == pytest.approx(sum(values) / len(values), rel=0.0005)


@given(st.lists(lists_of_times, max_size=8), st.randoms(use_true_random=False))
def test_any_number_of_parts_in_any_order_is_the_whole(
    parts: list[list[int]], dice: random.Random
) -> None:
    whole = Histogram(value for part in parts for value in part)
    dice.shuffle(parts)
    merged = Histogram()
    for part in parts:
        merged.merge(Histogram.from_bytes(Histogram(part).to_bytes()))
    assert merged == whole
    assert merged.to_bytes() == whole.to_bytes()
    assert merged.mean == whole.mean


@given(lists_of_times, lists_of_times)
def test_values_that_come_in_pieces_are_counted_like_one(first: list[int], then: list[int]) -> None:
    histogram = Histogram(first)
    histogram.extend(then)
    assert histogram == Histogram(first + then)
    assert histogram.count == len(first) + len(then)


def test_neighbours_in_the_last_digit_share_a_bucket_and_others_do_not() -> None:
    one = Histogram([1_000_000])
    assert one == Histogram([1_000_100])
    assert one != Histogram([1_000_000 * (1 + 1 / SUBBUCKETS)])


def test_zero_is_counted_exactly() -> None:
    assert Histogram([0, 0, 5]).quantile(0.5) == 0


@pytest.mark.parametrize("value", [-1, -0.0001, float("nan"), float("inf"), 2 * LARGEST])
def test_what_is_no_time_is_refused_and_leaves_no_trace(value: float) -> None:
    histogram = Histogram([7])
    with pytest.raises(ValueError, match="counts from 0"):
        histogram.extend([1, value])
    assert histogram == Histogram([7])


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Histogram().quantile(0.5)


def test_a_report_of_many_values_stays_small() -> None:
    dice = random.Random(1)
    many = Histogram(dice.lognormvariate(16, 1) for _ in range(100_000))
    assert len(many.to_bytes()) < 25_000


@given(st.binary(max_size=200))
def test_bytes_of_somebody_else_are_refused_or_a_histogram(data: bytes) -> None:
    for candidate in (data, zlib.compress(data)):
        try:
            histogram = Histogram.from_bytes(candidate)
        except ValueError:
            continue
        assert Histogram.from_bytes(histogram.to_bytes()) == histogram


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    with pytest.raises(ValueError, match="no histogram"):
        Histogram.from_bytes(zlib.compress(bytes(1 << 26)))
