"""Counting how many requests are worked on at the same time."""

from __future__ import annotations

from building import request, step
from pinchpoint.attribute import most_at_once


def test_requests_that_overlap_are_there_at_the_same_time() -> None:
    seen = step(
        request("GET /", at_ms=0, app_ms=10),
        request("GET /", at_ms=4, app_ms=10),
        request("GET /", at_ms=8, app_ms=10),
        request("GET /", at_ms=15, app_ms=10),
    )
    assert most_at_once(seen.traces) == {1: 3}


def test_one_that_begins_when_another_ends_takes_its_place() -> None:
    seen = step(request("GET /", at_ms=0, app_ms=5), request("GET /", at_ms=5, app_ms=5))
    assert most_at_once(seen.traces) == {1: 1}


def test_each_process_counts_for_itself() -> None:
    seen = step(request("GET /", app_ms=5, pid=7), request("GET /", app_ms=5, pid=8))
    assert most_at_once(seen.traces) == {7: 1, 8: 1}
