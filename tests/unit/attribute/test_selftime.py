"""Each moment of a request belongs to one span."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building import MS, connect, outbound, pool_wait, request, sql, step, together
from pinchpoint.attribute.selftime import exclusive_ns, self_times_ns
from pinchpoint.model.span import Category, Span, Trace

if TYPE_CHECKING:
    from building import Request


def trace_of(one: Request) -> Trace:
    return step(one).traces[0]


def times_ms(one: Request) -> dict[Category, float]:
    times_ns = self_times_ns(trace_of(one))
    return {name: time_ns / MS for name, time_ns in times_ns.items() if time_ns}


def trace(start_ns: int, end_ns: int, *spans: Span) -> Trace:
    return Trace(1, "GET /", 1, 1, 0, start_ns, end_ns, 0, 200, spans)


def span(span_id: int, parent_id: int, start_ns: int, end_ns: int) -> Span:
    return Span(span_id, parent_id, Category.SQL, "SELECT", "", start_ns, end_ns, 1)


def test_own_code_is_what_its_operations_leave() -> None:
    assert times_ms(request("GET /", sql(ms=2), sql(ms=3), app_ms=10, framework_ms=1)) == {
        Category.FRAMEWORK: 1,
        Category.SQL: 5,
        Category.APP: 10,
    }


def test_connecting_while_waiting_for_a_pool_is_connecting() -> None:
    assert times_ms(request("GET /", pool_wait(2, connect(8)))) == {
        Category.POOL_WAIT: 2,
        Category.CONNECT: 8,
    }


def test_parallel_operations_share_the_time_in_which_they_overlap() -> None:
    assert times_ms(request("GET /", together(outbound(30), sql(ms=10)), app_ms=5)) == {
        Category.OUTBOUND: 25,  # 10 ms shared by two, 20 ms alone
        Category.SQL: 5,
        Category.APP: 5,
    }


def test_a_collection_is_taken_from_the_operation_that_it_interrupts() -> None:
    pause = span(2, 0, 30, 50)._replace(category=Category.GC)
    seen = trace(0, 100, pause, span(3, 0, 20, 60))  # recorded first, as it ends first
    assert exclusive_ns(seen) == [60, 20, 20]


def test_a_collection_in_another_thread_shares_the_time() -> None:
    pause = span(2, 0, 30, 50)._replace(category=Category.GC, thread_id=2)
    assert exclusive_ns(trace(0, 100, pause, span(3, 0, 20, 60))) == [60, 10, 30]


def test_what_lies_inside_a_parallel_operation_shares_its_part() -> None:
    both = together(outbound(0, "", sql(ms=10)), outbound(10))
    assert times_ms(request("GET /", both)) == {Category.SQL: 5, Category.OUTBOUND: 5}


def test_work_after_the_answer_is_not_part_of_the_request() -> None:
    assert exclusive_ns(trace(0, 100, span(1, 0, 60, 500))) == [60, 40]


def test_a_span_whose_parent_was_lost_lies_below_the_request() -> None:
    assert exclusive_ns(trace(0, 100, span(1, 77, 20, 50))) == [70, 30]


def test_a_span_never_takes_more_than_its_parent_has() -> None:
    assert exclusive_ns(trace(0, 100, span(1, 0, 10, 50), span(2, 1, 0, 90))) == [60, 0, 40]


SPANS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(-20, 120), st.integers(0, 80)), max_size=12
)


@given(SPANS)
def test_exclusive_times_add_up_to_the_duration(drawn: list[tuple[int, int, int]]) -> None:
    spans = [
        span(number, min(parent, number - 1), start, start + length)
        for number, (parent, start, length) in enumerate(drawn, 1)
    ]
    own_ns = exclusive_ns(trace(0, 100, *spans))
    assert sum(own_ns) == pytest.approx(100)
    assert min(own_ns) >= -1e-9
