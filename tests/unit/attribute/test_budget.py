"""The parts of a budget add up to the response time, and nothing is hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building import (
    MS,
    START_NS,
    mix,
    outbound,
    recording,
    recording_of,
    request,
    sql,
    step,
    together,
)
from pinchpoint.attribute import attribute, attribute_slowest
from pinchpoint.attribute.budget import split_ns
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Category, Trace

if TYPE_CHECKING:
    from pinchpoint.model.recording import Recording


def parts_ms(seen: Recording, endpoint: str = "*") -> dict[Category, float]:
    budget = next(budget for budget in attribute(seen) if budget.endpoint == endpoint)
    return {name: round(1e3 * time_s, 6) for name, time_s in budget.parts_s.items()}


def test_splits_a_response_time_from_the_intended_start_to_the_last_byte() -> None:
    seen = recording("GET /a", sql(ms=5), app_ms=4, lag_ms=1, queue_ms=20, response_ms=2)
    assert parts_ms(seen) == {
        Category.CLIENT: 1,
        Category.QUEUE: 20,
        Category.APP: 4,
        Category.SQL: 5,
        Category.RESPONSE: 2,
    }


def test_the_mix_comes_first_then_endpoints_by_their_time_in_all() -> None:
    seen = mix(
        request("GET /slow", app_ms=50),
        request("GET /busy", app_ms=30),
        request("GET /busy", app_ms=30),
    )
    assert [(one.endpoint, one.requests) for one in attribute(seen)] == [
        ("*", 3),
        ("GET /busy", 2),
        ("GET /slow", 1),
    ]


def test_the_mean_is_taken_over_requests_not_over_endpoints() -> None:
    seen = mix(*[request("GET /a", app_ms=10)] * 3, request("GET /b", app_ms=50))
    assert parts_ms(seen) == {Category.APP: 20}


def test_a_request_that_the_probe_missed_is_unattributed() -> None:
    seen = mix(request("GET /a", app_ms=10, lag_ms=1, is_seen=False))
    assert parts_ms(seen) == {Category.CLIENT: 1, Category.UNATTRIBUTED: 10}


def test_a_request_without_an_answer_is_left_out() -> None:
    seen = mix(request("GET /a", app_ms=10), request("GET /a", app_ms=99, status=0))
    assert attribute(seen)[0].requests == 1


def test_an_impossible_order_of_clocks_shows_as_negative_remainder() -> None:
    one = step(request("GET /a", app_ms=10))
    early = replace(one, samples=(one.samples[0]._replace(completed_ns=START_NS + 7 * MS),))
    assert parts_ms(recording_of(early)) == {Category.APP: 10, Category.UNATTRIBUTED: -3}


def test_parallel_calls_leave_no_remainder() -> None:
    assert parts_ms(recording("GET /a", together(outbound(30), outbound(30)))) == {
        Category.OUTBOUND: 30
    }


def test_prefers_the_pin_over_a_later_step() -> None:
    pin = step(request("GET /a", app_ms=10))
    overhead = step(request("GET /a", app_ms=99), purpose="overhead")
    assert parts_ms(recording_of(pin, overhead)) == {Category.APP: 10}


def test_falls_back_on_the_walk() -> None:
    assert parts_ms(recording("GET /a", app_ms=10, purpose="walk")) == {Category.APP: 10}


def test_no_recorded_step_gives_no_budget() -> None:
    assert attribute(recording_of()) == ()


def test_the_slowest_have_a_budget_of_their_own() -> None:
    quick = [request("GET /a", app_ms=10)] * 99
    (whole, _) = attribute_slowest(mix(*quick, request("GET /a", sql(ms=500))))
    assert (whole.requests, whole.response_time_s) == (1, 0.5)
    assert whole.share_ratio(Category.SQL) == 1


moments = st.integers(0, 10**12)


@given(moments, moments, moments, moments, moments)
def test_parts_add_up_whatever_the_clocks_say(
    intended: int, sent: int, start: int, end: int, completed: int
) -> None:
    sample = Sample(1, "GET /", intended, sent, 0, completed, 200, 0)
    trace = Trace(1, "GET /", 1, 1, intended, start, end, 0, 200)
    for seen in (trace, None):
        assert sum(split_ns(sample, seen).values()) == completed - intended


@given(st.lists(st.tuples(*[st.floats(0, 100)] * 4), min_size=1, max_size=20))
def test_a_budget_adds_up_to_its_response_time(times: list[tuple[float, ...]]) -> None:
    seen = mix(
        *(
            request("GET /a", sql(ms=a), together(sql(ms=b), outbound(c)), queue_ms=d, app_ms=a)
            for a, b, c, d in times
        )
    )
    for budget in attribute(seen):
        assert sum(budget.parts_s.values()) == pytest.approx(budget.response_time_s, abs=1e-9)
        assert abs(budget.parts_s.get(Category.UNATTRIBUTED, 0.0)) < 1e-9
