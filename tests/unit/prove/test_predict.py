"""A prediction is a comparison of the lowest limits before and after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.model.budget import Budget
from pinchpoint.model.finding import Evidence, Finding
from pinchpoint.model.span import Category
from pinchpoint.prove.predict import demand_share, predict_gain

LIMITS = st.dictionaries(st.sampled_from(["cpu", "pool", "workers"]), st.floats(1, 1e4), min_size=1)


def test_half_of_the_demand_is_twice_the_throughput() -> None:
    assert predict_gain({"cpu": 100, "pool": 80}, removed_ratio=0.5) == pytest.approx(2)


def test_a_larger_pool_helps_up_to_the_next_wall() -> None:
    assert predict_gain({"cpu": 100, "pool": 80}, relief={"pool": 4}) == pytest.approx(1.25)


def test_a_larger_pool_does_nothing_where_the_cpu_is_the_wall() -> None:
    assert predict_gain({"cpu": 80, "pool": 100}, relief={"pool": 4}) == 1


def test_nothing_is_promised_without_a_limit() -> None:
    assert predict_gain({}, removed_ratio=0.5) == 1


@given(LIMITS, st.floats(0, 1))
def test_removing_demand_never_loses_and_stays_finite(
    limits_rps: dict[str, float], removed_ratio: float
) -> None:
    assert 1 - 1e-9 <= predict_gain(limits_rps, removed_ratio=removed_ratio) <= 101


def test_waiting_is_not_demand() -> None:
    budgets = [
        _budget("*", 200, sql_s=0.010, queue_s=0.5),
        _budget("GET /slow", 100, sql_s=0.016, queue_s=0.9),
    ]
    found = Finding(
        code="DB002",
        title="No index",
        endpoint="GET /slow",
        share_ratio=0.5,
        mix_share_ratio=0.9,
        evidence=(Evidence(statement="seen"),),
    )
    assert demand_share(found, budgets) == pytest.approx(0.4)  # 8 ms x 100 of 10 ms x 200


def _budget(endpoint: str, requests: int, *, sql_s: float, queue_s: float) -> Budget:
    return Budget(
        endpoint=endpoint,
        requests=requests,
        response_time_s=sql_s + queue_s,
        parts_s={Category.SQL: sql_s, Category.QUEUE: queue_s},
    )
