"""The sequential test keeps its promises under every noise that block pairs have shown."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pinchpoint.stats.sequential import confidence_sequence, e_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALPHA = 0.01
LOG_RATIOS = st.lists(st.floats(-3, 3).map(lambda value: round(value, 4)), min_size=1, max_size=30)


def normal(rng: random.Random) -> Iterator[float]:
    while True:
        yield rng.gauss(0, 0.1)


def stalls(rng: random.Random) -> Iterator[float]:
    while True:
        yield rng.gauss(0, 0.05) - (0.7 if rng.random() < 0.1 else 0)


def autocorrelated(rng: random.Random) -> Iterator[float]:
    level = 0.0
    while True:
        level = 0.7 * level + rng.gauss(0, 0.1)
        yield level


def periodic(rng: random.Random) -> Iterator[float]:
    while True:
        yield from (0.2 + rng.gauss(0, 0.02), 0.2, -0.2, -0.2 + rng.gauss(0, 0.02))


NOISES = [normal, stalls, autocorrelated, periodic]


def experiment(
    noise: Callable[[random.Random], Iterator[float]], effect: float, seed: int, pairs: int = 30
) -> list[float]:
    """Log ratios of pairs of blocks in random order."""
    rng = random.Random(seed)
    blocks = noise(random.Random(seed + 10_000))
    ratios = []
    for _ in range(pairs):
        first, second = next(blocks), next(blocks)
        ratios.append(effect + (second - first if rng.random() < 0.5 else first - second))
    return ratios


def pairs_to_reject(ratios: list[float]) -> float:
    """After how many pairs somebody who peeks at each rejects equality."""
    looks = (n for n in range(1, len(ratios) + 1) if e_value(ratios[:n]) >= 1 / ALPHA)
    return next(looks, math.inf)


@pytest.mark.parametrize("noise", NOISES)
def test_equal_arms_are_rarely_told_apart_although_each_pair_is_peeked_at(
    noise: Callable[[random.Random], Iterator[float]],
) -> None:
    alarms = sum(math.isfinite(pairs_to_reject(experiment(noise, 0, seed))) for seed in range(300))
    assert alarms <= 6  # 3 expected at most; more than 6 of 300 has a chance of 3 % at 1 %


def test_a_fifth_more_is_seen_within_18_pairs_at_10_percent_noise() -> None:
    needed = sorted(pairs_to_reject(experiment(normal, math.log(1.2), s)) for s in range(100))
    assert 10 <= needed[50] <= 18


def test_ten_pairs_are_the_fewest_that_can_prove_anything_at_1_percent() -> None:
    assert pairs_to_reject([1.0] * 30) == 10


@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_covers_the_truth(
    noise: Callable[[random.Random], Iterator[float]],
) -> None:
    truth = math.log(1.3)
    intervals = [confidence_sequence(experiment(noise, truth, s, 20), 0.05) for s in range(60)]
    assert sum(low <= truth <= high for low, high in intervals) >= 54  # 57 expected at least


def test_the_interval_is_as_narrow_as_the_noise_allows() -> None:
    low, high = confidence_sequence(experiment(normal, 0.5, 3, 30), ALPHA)
    assert high - low < 4 * 0.14  # the standard deviation of one pair is 0.14


def test_few_pairs_exclude_nothing() -> None:
    assert confidence_sequence([0.5, 0.6, 0.7], ALPHA) == (-math.inf, math.inf)


def test_no_pairs_exclude_nothing() -> None:
    assert confidence_sequence([], ALPHA) == (-math.inf, math.inf)


def test_identical_pairs_leave_no_doubt() -> None:
    low, high = confidence_sequence([0.5] * 12, ALPHA)
    assert low == pytest.approx(0.5, abs=1e-6)
    assert high == pytest.approx(0.5, abs=1e-6)


def test_pairs_without_any_difference_are_no_evidence() -> None:
    assert e_value([0.0] * 30) == pytest.approx(1)


def test_pairs_that_contradict_each_other_exclude_nothing() -> None:
    assert confidence_sequence([0.0] * 15 + [1.0] * 16, ALPHA) == (-math.inf, math.inf)


@given(LOG_RATIOS)
def test_the_direction_does_not_matter(ratios: list[float]) -> None:
    assert e_value(ratios) == pytest.approx(e_value([-ratio for ratio in ratios]))


@given(LOG_RATIOS, st.randoms(use_true_random=False))
def test_the_mean_over_both_signs_of_the_last_pair_is_what_it_was(
    ratios: list[float], rng: random.Random
) -> None:
    last = rng.uniform(0, 3)
    both = e_value([*ratios, last]) + e_value([*ratios, -last])
    assert both / 2 == pytest.approx(e_value(ratios))


@settings(max_examples=30, deadline=None)
@given(LOG_RATIOS.filter(lambda ratios: len(ratios) >= 12), st.floats(-2, 2))
def test_a_shift_of_all_pairs_shifts_the_interval(ratios: list[float], shift: float) -> None:
    low, high = confidence_sequence(ratios, ALPHA)
    assume(math.isfinite(low))
    moved = confidence_sequence([ratio + shift for ratio in ratios], ALPHA)
    width = max(high - low, 1e-6)
    assert moved == pytest.approx((low + shift, high + shift), abs=width / 50)


@settings(max_examples=50, deadline=None)
@given(LOG_RATIOS)
def test_an_interval_without_zero_means_that_equality_is_rejected(ratios: list[float]) -> None:
    low, high = confidence_sequence(ratios, ALPHA)
    assert low <= 0 <= high or math.isfinite(pairs_to_reject(ratios))
