"""Users that take tickets: how many run at once, and what becomes of those that nobody takes."""

from __future__ import annotations

import gevent
from gevent.event import Event

from pinchpoint.load.users.tickets import MOST_USERS, Office, issue_at, keep_in_use


class Crowd:
    """Users whose tasks end when they are told, or never."""

    def __init__(self) -> None:
        self.office = Office(spawn=self.spawn, count_users=lambda: len(self.users))
        self.users: list[gevent.Greenlet] = []
        self.intended_ns: list[int] = []
        self.running = self.most_running = 0
        self.may_end = Event()

    def spawn(self) -> None:
        self.users.append(gevent.spawn(self.live))

    def live(self) -> None:
        while True:
            with self.office.ticket() as intended_ns:
                self.intended_ns.append(intended_ns)
                self.running += 1
                self.most_running = max(self.most_running, self.running)
                self.may_end.wait()
                gevent.sleep(0)
                self.running -= 1

    def end(self) -> None:
        gevent.killall(self.users)


def turns(number: int) -> None:
    for _ in range(number):
        gevent.sleep(0)


def test_a_closed_loop_has_as_many_tasks_as_it_was_told() -> None:
    crowd = Crowd()
    crowd.may_end.set()
    keep_in_use(crowd.office, 3)
    turns(20)
    assert crowd.most_running == crowd.office.in_use == len(crowd.users) == 3
    assert crowd.office.finished > 3
    assert crowd.office.drain(timeout_s=30)
    crowd.end()


def test_an_open_loop_waits_for_nobody() -> None:
    crowd = Crowd()
    issue_at(crowd.office, [10, 20, 30], Event())
    turns(2)
    assert sorted(crowd.intended_ns) == [10, 20, 30]
    assert crowd.running == 3
    crowd.may_end.set()
    assert crowd.office.drain(timeout_s=30)
    crowd.end()


def test_a_user_that_is_free_is_taken_before_another_begins() -> None:
    crowd = Crowd()
    crowd.may_end.set()
    for due_ns in (10, 20, 30):
        issue_at(crowd.office, [due_ns], Event())
        assert crowd.office.drain(timeout_s=30)
    assert len(crowd.users) == 1
    crowd.end()


def test_a_stop_ends_the_schedule() -> None:
    crowd, is_stopped = Crowd(), Event()
    is_stopped.set()
    issue_at(crowd.office, [2**62], is_stopped)
    assert crowd.office.in_use == 0


def test_what_nobody_has_taken_is_given_back_with_its_times() -> None:
    crowd = Crowd()
    issue_at(crowd.office, range(1, MOST_USERS + 3), Event())
    turns(2)
    assert len(crowd.users) == MOST_USERS
    assert not crowd.office.drain(timeout_s=0)
    assert list(crowd.office.take_back()) == [MOST_USERS + 1, MOST_USERS + 2]
    assert crowd.office.in_use == MOST_USERS
    crowd.end()
    assert crowd.office.in_use == 0
