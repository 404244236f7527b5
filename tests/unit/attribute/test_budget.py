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
from pinchpoint.attribute.budget import remainder_ns, split_ns
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Category, Span, Trace

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


def test_what_the_application_has_begun_had_been_sent() -> None:
    one = step(request("GET /a", lag_ms=2, app_ms=10))
    late = replace(one, samples=(one.samples[0]._replace(sent_ns=START_NS + 5 * MS),))
    assert parts_ms(recording_of(late)) == {Category.CLIENT: 2, Category.APP: 10}


def test_an_impossible_order_of_clocks_shows_as_negative_remainder() -> None:
    one = step(request("GET /a", app_ms=10))
    late = replace(one, samples=(one.samples[0]._replace(intended_ns=START_NS + 3 * MS),))
    assert parts_ms(recording_of(late)) == {Category.APP: 10, Category.UNATTRIBUTED: -3}


def test_work_after_the_client_has_its_answer_is_no_part_of_it() -> None:
    one = step(request("GET /a", sql(ms=5), app_ms=5))
    early = replace(one, samples=(one.samples[0]._replace(completed_ns=START_NS + 7 * MS),))
    assert parts_ms(recording_of(early)) == {Category.SQL: 5, Category.APP: 2}


def test_an_application_that_begins_after_the_answer_explains_nothing() -> None:
    one = step(request("GET /a", queue_ms=9, app_ms=10))
    early = replace(one, samples=(one.samples[0]._replace(completed_ns=START_NS + 7 * MS),))
    assert parts_ms(recording_of(early)) == {Category.UNATTRIBUTED: 7}


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


def _sample(intended_ns: int, sent_ns: int, completed_ns: int) -> Sample:
    return Sample(1, "GET /", intended_ns, sent_ns, 0, completed_ns, 200, 0)


def _trace(start_ns: int, end_ns: int, *lengths_ns: int) -> Trace:
    """A trace whose spans begin with it."""
    spans = tuple(
        Span(number, 0, Category.SQL, "SELECT", "", start_ns, start_ns + length_ns, 1)
        for number, length_ns in enumerate(lengths_ns, 1)
    )
    return Trace(1, "GET /", 1, 1, 0, start_ns, end_ns, 0, 200, spans)


@given(moments, moments, moments, moments, moments)
def test_parts_add_up_whatever_the_clocks_say(
    intended: int, sent: int, start: int, end: int, completed: int
) -> None:
    sample = _sample(intended, sent, completed)
    for seen in (_trace(start, end), None):
        assert sum(split_ns(sample, seen).values()) == completed - intended


@given(st.lists(moments, min_size=5, max_size=5), st.lists(moments, max_size=4))
def test_only_the_remainder_can_be_negative(times: list[int], lengths: list[int]) -> None:
    intended, sent, completed, *inside = times
    parts = split_ns(_sample(intended, sent, completed), _trace(*sorted(inside), *lengths))
    assert {name for name, time in parts.items() if time < -1e-3} <= {Category.UNATTRIBUTED}


@given(st.lists(moments, min_size=4, max_size=4), st.lists(moments, max_size=4), moments)
def test_time_after_the_answer_never_counts(
    times: list[int], lengths: list[int], after: int
) -> None:
    intended, sent, start, completed = sorted(times)
    sample = _sample(intended, sent, completed)
    ends = split_ns(sample, _trace(start, completed, *lengths))
    assert split_ns(sample, _trace(start, completed + after, *lengths)) == ends
    assert ends[Category.UNATTRIBUTED] == pytest.approx(0, abs=1e-3)


@given(st.lists(moments, min_size=5, max_size=5), st.lists(moments, max_size=4))
def test_the_remainder_is_the_same_without_the_parts(times: list[int], lengths: list[int]) -> None:
    intended, sent, completed, *inside = times
    sample, seen = _sample(intended, sent, completed), _trace(*sorted(inside), *lengths)
    explained = split_ns(sample, seen)[Category.UNATTRIBUTED]
    assert remainder_ns(sample, seen) == pytest.approx(explained, abs=1e-3)


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
