from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.workload import ArrivalProcess, Arrivals


def test_constant_arrivals_stand_in_the_middle_of_equal_intervals() -> None:
    arrivals = Arrivals(rate_rps=4, duration_s=1, process=ArrivalProcess.CONSTANT)
    assert list(start_times_s(arrivals)) == [0.125, 0.375, 0.625, 0.875]


def test_poisson_arrivals_have_exponential_gaps() -> None:
    times_s = start_times_s(Arrivals(rate_rps=100, duration_s=200))
    gaps_s = [late - early for early, late in pairwise(times_s)]
    mean_s = sum(gaps_s) / len(gaps_s)
    variance_s2 = sum((gap_s - mean_s) ** 2 for gap_s in gaps_s) / len(gaps_s)
    assert mean_s == pytest.approx(0.01, rel=0.02)
    assert variance_s2**0.5 / mean_s == pytest.approx(1, rel=0.03)


def test_the_seed_decides() -> None:
    arrivals = Arrivals(rate_rps=50, duration_s=2, seed=7)
    other = Arrivals(rate_rps=50, duration_s=2, seed=8)
    assert start_times_s(arrivals) == start_times_s(arrivals) != start_times_s(other)


@given(
    rate_rps=st.floats(0.1, 500),
    duration_s=st.one_of(st.integers(1, 5), st.floats(0.01, 5)),
    process=st.sampled_from(ArrivalProcess),
    seed=st.integers(),
)
def test_all_arrivals_are_in_order_within_the_step(
    rate_rps: float, duration_s: float, process: ArrivalProcess, seed: int
) -> None:
    arrivals = Arrivals(rate_rps=rate_rps, duration_s=duration_s, process=process, seed=seed)
    times_s = list(start_times_s(arrivals))
    assert times_s == sorted(times_s)
    assert all(0 <= time_s < duration_s + 1e-9 for time_s in times_s)
