"""Who may run a task when: Locust's users take tickets instead of waiting between tasks.

A closed loop keeps a number of tickets in use. An open loop issues one at each time of its
schedule, whatever the users do: a ticket that finds no free user waits, and its time runs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING

import gevent
from gevent import monkey
from gevent.event import Event
from gevent.queue import SimpleQueue

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

MOST_USERS = 1000
"""More than one Python process can keep busy."""
FINE_S = 0.02
"""gevent rounds a wait up to whole milliseconds: a thread waits for the last part."""


@dataclass(slots=True, kw_only=True)
class Office:
    """Issues tickets to users.

    Attributes:
        spawn: Starts one more user.
        count_users: How many there are.
        in_use: Tickets that were issued and have not come back.
        finished: Tickets that have come back.
        on_return: Called when one does.
    """

    spawn: Callable[[], object]
    count_users: Callable[[], int]
    in_use: int = 0
    finished: int = 0
    on_return: Callable[[], None] | None = None
    _tickets: SimpleQueue[int] = field(default_factory=SimpleQueue)

    def issue(self, intended_ns: int) -> None:
        """Let one task begin."""
        self.in_use += 1
        self._tickets.put(intended_ns)
        self.fill()

    def fill(self) -> None:
        """Start a user if there are fewer than tickets."""
        if self.count_users() < min(self.in_use, MOST_USERS):
            self.spawn()

    @contextmanager
    def ticket(self) -> Generator[int]:
        """Wait for a ticket, with its intended start, and give it back after the task."""
        intended_ns = self._tickets.get()
        try:
            yield intended_ns
        finally:
            self._come_back()

    def drain(self, timeout_s: float) -> bool:
        """Wait until all tickets have come back; False if some have not."""
        empty = Event()
        self.on_return = lambda: None if self.in_use else empty.set()
        self.on_return()
        is_empty = empty.wait(timeout_s)
        self.on_return = None
        return bool(is_empty)

    def take_back(self) -> Iterable[int]:
        """The intended starts of the tickets that nobody has taken."""
        while not self._tickets.empty():
            yield self._tickets.get()
            self._come_back()

    def _come_back(self) -> None:
        self.in_use -= 1
        self.finished += 1
        if self.on_return is not None:
            self.on_return()


def keep_in_use(office: Office, number: int) -> None:
    """Issue so many tickets, and another for each that comes back, until told otherwise."""

    def again() -> None:
        office.issue(perf_counter_ns())

    office.on_return = again
    for _ in range(number):
        again()


def issue_at(office: Office, schedule_ns: Iterable[int], is_stopped: Event) -> None:
    """Issue a ticket at each time, until an event says that it is enough."""
    for due_ns in schedule_ns:
        left_s = _left_s(due_ns)
        if left_s > FINE_S and is_stopped.wait(left_s - FINE_S):
            break
        _sleep_finely(_left_s(due_ns))
        office.issue(due_ns)


def _left_s(due_ns: int) -> float:
    return (due_ns - perf_counter_ns()) / 1e9


def _sleep_finely(duration_s: float) -> None:
    if duration_s > 0:
        gevent.get_hub().threadpool.apply(monkey.get_original("time", "sleep"), [duration_s])
