"""The queue that the load engine is measured against gives what can be worked out by hand."""

from __future__ import annotations

import pytest

from load_server import Phase, Queue, exact_response_times_s


def test_a_stall_is_waited_out() -> None:
    queue = Queue((Phase(9, 1000), Phase(1, 0)))
    assert queue.finish_s(1) == pytest.approx(1.001)
    assert queue.finish_s(9.25) == pytest.approx(10.001)
    assert queue.finish_s(9.5) == pytest.approx(10.002)
    assert queue.finish_s(11) == pytest.approx(11.001)


def test_behind_a_slow_server_each_waits_for_all_before() -> None:
    arrivals_s = [number / 2000 for number in range(100)]  # twice what it can do
    waited_s = exact_response_times_s("overload", arrivals_s)
    assert waited_s == pytest.approx([0.001 + number / 2000 for number in range(100)])


def test_work_that_is_left_goes_on_at_the_other_speed() -> None:
    queue = Queue((Phase(1, 10), Phase(1, 2)))
    assert [queue.finish_s(0.85) for _ in range(3)] == pytest.approx([0.95, 1.25, 1.75])


def test_phases_come_again() -> None:
    queue = Queue((Phase(1, 10), Phase(1, 0)))
    assert queue.finish_s(5.5) == pytest.approx(6.1)
