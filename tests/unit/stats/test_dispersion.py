from __future__ import annotations

import random
from itertools import accumulate

import pytest

from pinchpoint.stats.dispersion import dispersion_index


def _poisson(rate_rps: float, count: int) -> list[float]:
    dice = random.Random(1)
    return list(accumulate(dice.expovariate(rate_rps) for _ in range(count)))


def test_a_poisson_process_has_1() -> None:
    assert dispersion_index(_poisson(20, 20_000)) == pytest.approx(1, abs=0.1)


def test_a_clock_has_0() -> None:
    assert dispersion_index(number / 20 for number in range(20_000)) == pytest.approx(0)


def test_batches_of_ten_have_10() -> None:
    batches = [start_s for start_s in _poisson(2, 2_000) for _ in range(10)]
    assert dispersion_index(batches) == pytest.approx(10, rel=0.15)


def test_the_course_of_the_day_is_no_burst() -> None:
    day = _poisson(10, 6_000)
    evening = [10 * 60 + start_s for start_s in _poisson(40, 24_000)]
    assert dispersion_index([*day, *evening]) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("starts_s", [[], [1.0], [number / 100 for number in range(2000)]])
def test_too_little_has_none(starts_s: list[float]) -> None:
    assert dispersion_index(starts_s) is None
