"""A prediction is an interval between two laws, below the next wall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.model.budget import Budget
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.finding import Evidence, Finding
from pinchpoint.prove.predict import predict_gain


def predict(
    share: float, *, rate_rps: float = 100, response_time_s: float = 0.08, next_wall_rps: float = 0
) -> tuple[float, float]:
    """8 in flight at 100 requests/s take 0.08 s each."""
    found = Finding(
        code="DB001",
        title="A bottleneck",
        endpoint="GET /",
        share_ratio=share,
        mix_share_ratio=share,
        evidence=(Evidence(statement="seen"),),
    )
    capacity = Capacity(
        rate_rps=rate_rps,
        low_rps=rate_rps,
        high_rps=rate_rps,
        in_flight=8,
        state=CapacityState.SATURATED,
        next_wall_rps=next_wall_rps,
    )
    mix = Budget(endpoint="*", requests=1000, response_time_s=response_time_s, parts_s={})
    return predict_gain(found, capacity, mix)


def test_half_of_the_time_is_twice_the_throughput() -> None:
    assert predict(0.5) == pytest.approx((2, 2))


def test_queueing_at_the_plateau_makes_the_low_end() -> None:
    assert predict(0.5, response_time_s=0.04) == pytest.approx((4 / 3, 2))


def test_the_next_wall_caps_both_ends() -> None:
    assert predict(0.5, next_wall_rps=120) == pytest.approx((1.2, 1.2))


def test_a_next_wall_below_the_present_one_is_no_loss() -> None:
    assert predict(0.5, next_wall_rps=90) == (1, 1)


def test_nothing_is_promised_without_a_measurement() -> None:
    assert predict(0.5, rate_rps=0) == predict(0.5, response_time_s=0) == (1, 1)


@given(st.floats(0, 1), st.floats(1, 1e4), st.floats(1e-4, 10), st.floats(0, 1e5))
def test_the_interval_is_ordered_and_finite(
    share: float, rate_rps: float, response_time_s: float, next_wall_rps: float
) -> None:
    low, high = predict(
        share, rate_rps=rate_rps, response_time_s=response_time_s, next_wall_rps=next_wall_rps
    )
    assert 1 <= low <= high <= 100
