"""Offer requests to a client: at given times (open loop) or so many at a time (closed loop)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from time import perf_counter_ns, process_time
from typing import TYPE_CHECKING, Protocol

from pinchpoint.load.client import Client
from pinchpoint.load.polling import Poller
from pinchpoint.load.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH_NS = 500_000_000
EXPIRE_NS = 100_000_000
"""Timeouts are noticed this late."""
RAMP_NS = 100_000_000
"""The requests of a closed loop begin spread over this time: connections that are all opened
at once may all be accepted by the same worker."""
RETRY_NS = 10_000_000
"""A closed loop waits so long after requests that failed at once, instead of spinning."""
LONGEST_BACKLOG_S = 10.0
FEWEST_BACKLOG, MOST_BACKLOG = 1000, 10_000
"""An open loop ends early where more requests are unanswered than arrive in so long a time, at
least and at most so many: there are 1024 connections, and a queue before them that only grows."""
BURST = 32
"""Overdue requests that are sent before answers are read again."""


class Control(Protocol):
    """What the tool says in the middle of a step."""

    descriptor: int

    def is_stop(self) -> bool:
        """Read a message: whether it ends the step."""


@dataclass(slots=True, kw_only=True)
class Loop:
    """What both loops need.

    Attributes:
        client: Sends.
        poller: Of the client; it watches the control too.
        control: May end a closed loop.
        traffic: Makes the requests.
        lags_ns: How late each scheduled request was taken up.
    """

    client: Client
    poller: Poller
    control: Control
    traffic: Traffic
    lags_ns: array[int] = field(default_factory=lambda: array("q"))
    is_stopped: bool = False
    next_expire_ns: int = 0

    def wait(self, until_ns: int) -> None:
        """Serve the sockets that are ready; wait for one until a time, if none is."""
        now_ns = perf_counter_ns()
        if now_ns >= self.next_expire_ns:
            self.client.expire(now_ns)
            self.next_expire_ns = now_ns + EXPIRE_NS
        ready = self.poller.wait((min(until_ns, self.next_expire_ns) - now_ns) / 1e9)
        if self.control.descriptor in ready:
            self.is_stopped |= self.control.is_stop()
        self.client.handle(ready)

    def resume(self) -> int:
        """Send what virtual clients are due to send; when the next of them is."""
        while (due_ns := self.traffic.crowd.due_ns) <= (now_ns := perf_counter_ns()):
            self.lags_ns.append(now_ns - due_ns)
            self.client.begin(self.traffic.resume(due_ns))
        return due_ns

    def drain(self) -> None:
        """Wait for the requests in flight; timeouts bound it."""
        self.traffic.crowd.end()
        while self.client.in_flight:
            self.wait(perf_counter_ns() + EXPIRE_NS)


def offer_open(loop: Loop, schedule_ns: Sequence[int], end_ns: int) -> int:
    """Send each request at its time, whatever the server does, and wait for all answers.

    It ends early where a stop comes or the backlog has no end.

    Args:
        loop: What sends.
        schedule_ns: When requests are intended to start, ascending.
        end_ns: Until then virtual clients go on.

    Returns:
        Until when load was offered.
    """
    sent, most = 0, _most_unanswered(schedule_ns, end_ns)
    while sent < len(schedule_ns) and not loop.is_stopped:
        for due_ns in schedule_ns[sent : sent + BURST]:
            lag_ns = perf_counter_ns() - due_ns
            if lag_ns < 0:
                break
            loop.lags_ns.append(lag_ns)
            loop.client.begin(loop.traffic.arrive(due_ns))
            sent += 1
        loop.is_stopped |= loop.client.in_flight > most
        if sent < len(schedule_ns):
            loop.wait(min(schedule_ns[sent], loop.resume()))
    while loop.traffic.crowd.is_active and perf_counter_ns() < end_ns and not loop.is_stopped:
        loop.wait(min(end_ns, loop.resume()))
    offered_ns = min(end_ns, perf_counter_ns()) if loop.is_stopped else end_ns
    loop.drain()
    return offered_ns


def _most_unanswered(schedule_ns: Sequence[int], end_ns: int) -> float:
    """More requests in flight than these are a backlog without an end."""
    if not schedule_ns:
        return FEWEST_BACKLOG
    rate_rps = len(schedule_ns) * 1e9 / max(1, end_ns - schedule_ns[0])
    return min(MOST_BACKLOG, max(FEWEST_BACKLOG, LONGEST_BACKLOG_S * rate_rps))


def offer_closed(
    loop: Loop, in_flight: int, duration_ns: int, on_batch: Callable[[BatchCount], None]
) -> int:
    """Keep requests in flight until the time is over or a stop comes; wait for the rest.

    Returns:
        For how long load was offered, in nanoseconds.
    """
    start_ns = perf_counter_ns()
    end_ns = start_ns + duration_ns
    counter = _Counter(loop.client, start_ns, end_ns)
    # Looked up once: this is paid for each request.
    begin, arrive, resume = loop.client.begin, loop.traffic.arrive, loop.traffic.resume
    crowd = loop.traffic.crowd
    while not loop.is_stopped and (now_ns := perf_counter_ns()) < end_ns:
        allowed = min(in_flight, 1 + in_flight * (now_ns - start_ns) // RAMP_NS)
        for _ in range(allowed - loop.client.in_flight):
            now_ns = perf_counter_ns()
            begin(resume(now_ns) if crowd.due_ns <= now_ns else arrive(now_ns))
        is_full = loop.client.in_flight >= in_flight
        loop.wait(counter.due_ns if is_full else min(counter.due_ns, now_ns + RETRY_NS))
        if perf_counter_ns() >= counter.due_ns:
            on_batch(counter.take())
    offered_ns = perf_counter_ns() - start_ns
    loop.drain()
    return offered_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCount:
    """What ended in one batch of a closed loop."""

    duration_s: float
    completions: int
    errors: int
    generator_cpu_s: float


class _Counter:
    """Counts from one batch to the next; `due_ns` is when the current one is to end."""

    def __init__(self, client: Client, start_ns: int, last_ns: int) -> None:
        self._client = client
        self._start_ns = self._origin_ns = start_ns
        self._last_ns = last_ns
        self._before = self._now()
        self.due_ns = self._next_due_ns()

    def take(self) -> BatchCount:
        """End the current batch."""
        end_ns = perf_counter_ns()
        completions, errors, cpu_s = self._now()
        batch = BatchCount(
            duration_s=(end_ns - self._start_ns) / 1e9,
            completions=completions - self._before[0],
            errors=errors - self._before[1],
            generator_cpu_s=cpu_s - self._before[2],
        )
        self._start_ns, self._before = end_ns, (completions, errors, cpu_s)
        self.due_ns = self._next_due_ns()
        return batch

    def _next_due_ns(self) -> int:
        # The nearest half seconds since the origin, so that no sliver remains at the end.
        ended = round((self._start_ns - self._origin_ns) / BATCH_NS)
        return min(self._origin_ns + (ended + 1) * BATCH_NS, self._last_ns)

    def _now(self) -> tuple[int, int, float]:
        return len(self._client.samples), self._client.errors, process_time()
