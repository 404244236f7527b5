from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.stats.pulse import PULSE_S, busiest_pulse, rate_profile


def _arrivals(*counts: int) -> list[float]:
    """As many arrivals in the middle of each second."""
    return [second + 0.5 for second, count in enumerate(counts) for _ in range(count)]


def test_a_steady_minute_has_no_pulse_but_1() -> None:
    assert busiest_pulse(_arrivals(*[3] * 60)) == (1.0,) * 60


def test_the_busiest_minute_counts() -> None:
    quiet, busy = [1] * 120, [6, 2] * 30
    assert busiest_pulse(_arrivals(*quiet, *busy, *quiet)) == (1.5, 0.5) * 30


def test_a_wrong_time_far_away_costs_nothing() -> None:
    assert busiest_pulse([0.0, *(1e12 + start_s for start_s in _arrivals(*[3] * 60))]) == (1,) * 60


@pytest.mark.parametrize("starts_s", [[], [5.0], _arrivals(*[3] * 59)])
def test_less_than_a_minute_has_none(starts_s: list[float]) -> None:
    assert busiest_pulse(starts_s) == ()


def test_a_profile_jumps_at_full_seconds() -> None:
    assert rate_profile((0.5, 1.5), 10, 2) == ((0, 5), (1, 5), (1, 15), (2, 15))


def test_silence_alone_is_no_profile() -> None:
    assert rate_profile((0.0, 0.0, 60.0), 10, 2) == ((0, 10), (1, 10), (1, 10), (2, 10))


@given(
    st.lists(st.floats(0, 60), min_size=1, max_size=PULSE_S),
    st.floats(0.1, 1000),
    st.floats(0.1, 100),
)
def test_the_mean_is_kept(pulse: list[float], rate_rps: float, duration_s: float) -> None:
    profile = rate_profile(pulse, rate_rps, duration_s)
    area = sum(
        (end_s - begin_s) * (begin_rps + end_rps) / 2
        for (begin_s, begin_rps), (end_s, end_rps) in pairwise(profile)
    )
    assert area == pytest.approx(rate_rps * duration_s)
    assert (profile[0][0], profile[-1][0]) == (0, duration_s)
