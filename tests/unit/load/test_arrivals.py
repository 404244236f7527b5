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


def counts(times_s: list[float], *edges_s: float) -> list[int]:
    return [sum(begin <= one < end for one in times_s) for begin, end in pairwise(edges_s)]


def test_a_ramp_brings_more_and_more() -> None:
    ramp = Arrivals.following(((0, 0), (10, 100)), process=ArrivalProcess.CONSTANT)
    assert ramp.rate_rps == 50
    # The area below the line: 5 t^2.
    assert counts(list(start_times_s(ramp)), 0, 2, 6, 10) == [20, 160, 320]


def test_a_step_jumps() -> None:
    profile = ((0, 10), (4, 10), (4, 40), (6, 40))
    steps = Arrivals.following(profile, process=ArrivalProcess.CONSTANT)
    assert counts(list(start_times_s(steps)), 0, 2, 4, 5, 6) == [20, 20, 40, 40]


def test_a_pause_brings_nothing() -> None:
    pause = Arrivals.following(((0, 50), (2, 50), (2, 0), (5, 0), (5, 50), (7, 50)))
    before, within, after = counts(list(start_times_s(pause)), 0, 2, 5, 7)
    assert (before > 0, within, after > 0) == (True, 0, True)


def test_poisson_arrivals_follow_a_ramp() -> None:
    ramp = Arrivals.following(((0, 0), (100, 200)))
    first, second = counts(list(start_times_s(ramp)), 0, 50, 100)
    assert 2_300 < first < 2_700  # 2,500 and five standard deviations of 50 each way, rounded
    assert 7_000 < second < 8_000


def test_recorded_arrivals_come_when_they_came() -> None:
    log = Arrivals.recorded([3.5, 0.25, 0.25, -1, 4], duration_s=4)
    assert list(start_times_s(log)) == [0.25, 0.25, 3.5]
    assert log.rate_rps == 0.75


@given(
    corners=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 200)), min_size=1, max_size=6),
    process=st.sampled_from([ArrivalProcess.POISSON, ArrivalProcess.CONSTANT]),
    seed=st.integers(0, 10),
)
def test_any_profile_gives_ascending_times_within_it(
    corners: list[tuple[float, float]], process: ArrivalProcess, seed: int
) -> None:
    profile = [(0.0, 10.0), *sorted(corners, key=lambda corner: corner[0]), (6.0, 0.0)]
    arrivals = Arrivals.following(profile, process, seed)
    times_s = list(start_times_s(arrivals))
    assert times_s == sorted(times_s)
    assert all(0 <= time_s <= 6 for time_s in times_s)
    if process is ArrivalProcess.CONSTANT:
        assert abs(len(times_s) - arrivals.rate_rps * arrivals.duration_s) <= 1
