"""Waiting, charged to whoever held the resource: the endpoint that is slow is rarely guilty."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.attribute.holding import (
    children_of,
    handler_of,
    main_site,
    uncovered,
    work_of,
)
from pinchpoint.attribute.interpreter import interpreter_occupations, interpreter_waits
from pinchpoint.attribute.join import attributed_step, joined
from pinchpoint.attribute.runnable import database_limits_ns
from pinchpoint.attribute.sweep import Occupation, Wait, charge_ns
from pinchpoint.model.app import has_slots
from pinchpoint.model.budget import BlameEntry
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pinchpoint.attribute.sweep import Charge
    from pinchpoint.model.app import Deployment
    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.sample import Sample
    from pinchpoint.model.span import Trace

EVENT_LOOP = "event loop"
INTERPRETER = "interpreter"
WORKERS = "workers"
NO_REQUEST = "(outside of a request)"
"""The holder where no recorded request held it: a background task, or one cut off by the end."""
NOTICEABLE_NS = 1_000_000
"""Who waited for less is charged like the others, but not counted as a victim."""
_HELD = frozenset({Category.POOL_WAIT, Category.LOCK})
"""Waiting for what somebody holds, by the name of the resource."""


def blame(recording: Recording) -> tuple[BlameEntry, ...]:
    """Charge waiting for pools, locks, the event loop, the interpreter and for workers.

    The most waiting comes first.

    Each moment of waiting is split evenly over those who held the resource in it. The site
    is where the holder spent most of that time: the call or statement that it was busy with.
    """
    step = attributed_step(recording)
    if step is None:
        return ()
    seen = _Seen(step)
    ledger = _Ledger()
    _charge_pools(seen, step, ledger)
    _charge_loops(seen, ledger)
    _charge_interpreters(seen, database_limits_ns(recording, step), ledger)
    if has_slots(recording.app, recording.deployment):
        _charge_workers(seen, recording.deployment, ledger)
    return ledger.entries()


class _Seen:
    """The requests that client and probe both saw; the probe's, and their endpoints, by number.

    Where both name an endpoint the client wins: the probe has the bare path of what no
    framework resolved.
    """

    def __init__(self, step: Step) -> None:
        self.pairs = [(sample, trace) for sample, trace in joined(step) if trace is not None]
        self.traces = {trace.trace_id: trace for trace in step.traces}
        self.endpoints = {trace.trace_id: trace.endpoint for trace in step.traces}
        self.endpoints.update((sample.trace_id, sample.endpoint) for sample, _ in self.pairs)


class _Ledger:
    """Adds up charges over processes and counts who waited."""

    def __init__(self) -> None:
        self._wait_ns: dict[tuple[str, Charge], float] = defaultdict(float)
        self._waiters: dict[tuple[str, str], set[int]] = defaultdict(set)

    def waits(self, resource: str, wait: Wait, trace_id: int) -> None:
        if wait.end_ns - wait.start_ns >= NOTICEABLE_NS:
            self._waiters[resource, wait.endpoint].add(trace_id)

    def add(self, resource: str, charges: Mapping[Charge, float]) -> None:
        for charge, wait_ns in charges.items():
            self._wait_ns[resource, charge] += wait_ns

    def entries(self) -> tuple[BlameEntry, ...]:
        ranked = sorted(self._wait_ns.items(), key=lambda item: -item[1])
        return tuple(
            BlameEntry(
                victim=charge.victim,
                holder=charge.holder,
                resource=resource,
                site=charge.site,
                wait_s=wait_ns / 1e9,
                victims=len(self._waiters[resource, charge.victim]),
            )
            for (resource, charge), wait_ns in ranked
        )


def _charge_pools(seen: _Seen, step: Step, ledger: _Ledger) -> None:
    """POOL_WAIT and LOCK of one process against the holds of the same resource in it."""
    waits: dict[tuple[str, int], list[Wait]] = defaultdict(list)
    for trace in step.traces:
        endpoint = seen.endpoints[trace.trace_id]
        for resource, start_ns, end_ns in _pool_waits(trace):
            wait = Wait(start_ns, end_ns, endpoint)
            waits[resource, trace.pid].append(wait)
            ledger.waits(resource, wait, trace.trace_id)
    held = _pool_occupations(seen, step, waits.keys())
    for (resource, pid), intervals in waits.items():
        ledger.add(resource, charge_ns(intervals, held[resource, pid]))


def _pool_waits(trace: Trace) -> Iterator[tuple[str, int, int]]:
    """(resource, start, end); opening a connection meanwhile is not waiting for a holder."""
    pool_waits = [span for span in trace.spans if span.category in _HELD]
    children = children_of(trace) if pool_waits else {}
    for span in pool_waits:
        inside = children.get(span.span_id, ())
        for start_ns, end_ns in uncovered(span.start_ns, span.end_ns, inside):
            yield span.name, start_ns, end_ns


def _pool_occupations(
    seen: _Seen, step: Step, wanted: Iterable[tuple[str, int]]
) -> Mapping[tuple[str, int], list[Occupation]]:
    held: dict[tuple[str, int], list[Occupation]] = {key: [] for key in wanted}
    work = _work_once()
    for hold in step.holds:
        if (hold.resource, hold.pid) in held:
            trace = seen.traces.get(hold.trace_id)
            site = main_site(work(trace), hold.start_ns, hold.end_ns) if trace else ""
            endpoint = seen.endpoints.get(hold.trace_id, NO_REQUEST)
            held[hold.resource, hold.pid].append(
                Occupation(hold.start_ns, hold.end_ns, endpoint, site or hold.site)
            )
    return held


def _work_once() -> Callable[[Trace], Sequence[tuple[int, int, str]]]:
    """`work_of`, remembered: a request may hold a connection once per statement."""
    known: dict[int, Sequence[tuple[int, int, str]]] = {}

    def work(trace: Trace) -> Sequence[tuple[int, int, str]]:
        if trace.trace_id not in known:
            known[trace.trace_id] = work_of(trace)
        return known[trace.trace_id]

    return work


def _charge_loops(seen: _Seen, ledger: _Ledger) -> None:
    """What stood still on a loop's thread while a call of another request blocked it."""
    blocked: dict[tuple[int, int], list[Occupation]] = defaultdict(list)
    for _, trace in seen.pairs:
        for span in trace.spans:
            if span.is_blocking_loop:
                blocked[trace.pid, span.thread_id].append(
                    Occupation(
                        span.start_ns, span.end_ns, seen.endpoints[trace.trace_id], span.site
                    )
                )
    stops = {loop: _Stops(occupations) for loop, occupations in blocked.items()}
    waits: dict[tuple[int, int], list[Wait]] = defaultdict(list)
    for sample, trace in seen.pairs:
        loop = (trace.pid, trace.thread_id)
        if loop in stops:
            for start_ns, end_ns in _on_the_loop(sample, trace):
                if stops[loop].touch(start_ns, end_ns):
                    wait = Wait(start_ns, end_ns, sample.endpoint)
                    waits[loop].append(wait)
                    ledger.waits(EVENT_LOOP, wait, trace.trace_id)
    for loop, intervals in waits.items():
        ledger.add(EVENT_LOOP, charge_ns(intervals, blocked[loop]))


def _charge_interpreters(seen: _Seen, limits_ns: Mapping[str, float], ledger: _Ledger) -> None:
    """RUNNABLE of one process against the requests that ran code in it meanwhile."""
    for pid, waits in interpreter_waits(seen.pairs, limits_ns).items():
        for wait, trace_id in waits:
            ledger.waits(INTERPRETER, wait, trace_id)
        held = list(interpreter_occupations(seen.pairs, pid))
        ledger.add(INTERPRETER, charge_ns([wait for wait, _ in waits], held))


def _on_the_loop(sample: Sample, trace: Trace) -> Iterator[tuple[int, int]]:
    """When a request needed the loop: to begin, for its own code, to send the answer.

    Not while it waits for a database, a service or a thread: those go on beside the loop.
    """
    yield sample.sent_ns, trace.start_ns
    children = children_of(trace)
    yield from uncovered(trace.start_ns, trace.end_ns, children.get(0, ()))
    for span in trace.spans:
        if span.category is Category.APP and span.thread_id == trace.thread_id:
            yield from uncovered(span.start_ns, span.end_ns, children.get(span.span_id, ()))
    yield trace.end_ns, sample.completed_ns


class _Stops:
    """Answers quickly whether a time touches any of some intervals."""

    def __init__(self, intervals: Iterable[Occupation]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for held in sorted(intervals):
            if self._ends and held.start_ns <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], held.end_ns)
            else:
                self._starts.append(held.start_ns)
                self._ends.append(held.end_ns)

    def touch(self, start_ns: int, end_ns: int) -> bool:
        after = bisect_right(self._ends, start_ns)
        return start_ns < end_ns and after < len(self._ends) and self._starts[after] < end_ns


def _charge_workers(seen: _Seen, deployment: Deployment, ledger: _Ledger) -> None:
    """QUEUE of a synchronous server against the requests that occupied its slots then.

    Processes with one thread take from a queue that they share; threads serve the
    connections that their own process has accepted.
    """
    is_shared = deployment.threads == 1
    slots = deployment.workers if is_shared else deployment.threads
    waits: dict[int, list[Wait]] = defaultdict(list)
    held: dict[int, list[Occupation]] = defaultdict(list)
    for sample, trace in seen.pairs:
        queue = 0 if is_shared else trace.pid
        wait = Wait(sample.sent_ns, trace.start_ns, sample.endpoint)
        waits[queue].append(wait)
        ledger.waits(WORKERS, wait, trace.trace_id)
        site = main_site(work_of(trace), trace.start_ns, trace.end_ns) or handler_of(trace)
        held[queue].append(Occupation(trace.start_ns, sample.completed_ns, sample.endpoint, site))
    for queue, intervals in waits.items():
        ledger.add(WORKERS, charge_ns(intervals, held[queue], slots))
