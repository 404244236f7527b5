from __future__ import annotations

from pinchpoint.stats.stability import is_sustained


def test_a_small_backlog_is_normal() -> None:
    assert is_sustained(offered=1000, unanswered=45, in_flight=0)
    assert not is_sustained(offered=1000, unanswered=46, in_flight=0)


def test_more_requests_do_not_excuse_a_larger_share() -> None:
    assert not is_sustained(offered=10_000, unanswered=500, in_flight=0)


def test_few_requests_allow_a_larger_share() -> None:
    assert is_sustained(offered=250, unanswered=22, in_flight=0)  # 2 x 4.5 % of 250
    assert not is_sustained(offered=250, unanswered=23, in_flight=0)


def test_what_the_server_holds_anyway_is_no_backlog() -> None:
    assert is_sustained(offered=1000, unanswered=145, in_flight=100)


def test_nothing_offered_is_sustained() -> None:
    assert is_sustained(offered=0, unanswered=0, in_flight=0)
