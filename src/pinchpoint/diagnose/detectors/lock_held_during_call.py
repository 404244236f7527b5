"""A lock is held during a call, and the other requests of the process wait for both.

Seen as: a tenth or more of an endpoint's response time is waiting for a lock of the application,
    whose holder spends half of that time or more on calls (to a database, a service, a cache,
    sleep). It is reported at the endpoint that holds it, not at those that wait.
Costs: whatever the lock guards is done one after the other, however many threads or tasks serve:
    at most one request in the time that it is held.
Not seen: locks that are held for computing alone (a busy machine stretches those: the lock is
    not the cause), semaphores, locks of libraries, and locks in the database.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.diagnose.case import main_holder, total_time_s, wait_s
from pinchpoint.model.finding import Evidence, Finding, Location
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.budget import BlameEntry

CODE = "LK001"
NAME = "a lock held during a call"
ADVICE = "Make the call before taking the lock, or take a lock for each key instead of one for all."

PREFIX = "lock of "
"""How the probe names the application's locks."""
CALLS = frozenset(
    {
        Category.SQL,
        Category.OUTBOUND,
        Category.CACHE,
        Category.SLEEP,
        Category.CONNECT,
        Category.POOL_WAIT,
    }
)
SHARE_RATIO = 0.1
"""Of the response time of the endpoint that waits most."""
CALLS_RATIO = 0.5
"""Of the time that the lock is held."""


def detect(case: Case) -> Iterator[Finding]:
    """Find locks that others wait for and that this endpoint holds during its calls."""
    for resource in dict.fromkeys(entry.resource for entry in case.charged()):
        entries = [entry for entry in case.blame if entry.resource == resource]
        if resource.startswith(PREFIX) and case.endpoint == main_holder(entries):
            held_s, calls_s = _held_s(case, resource)
            share_ratio = _worst_share_ratio(case, entries)
            if share_ratio >= SHARE_RATIO and calls_s >= CALLS_RATIO * held_s > 0:
                yield _finding(case, resource, calls_s / held_s)


def _worst_share_ratio(case: Case, entries: Iterable[BlameEntry]) -> float:
    waits_s: dict[str, float] = defaultdict(float)
    for entry in entries:
        waits_s[entry.victim] += entry.wait_s
    return max(
        time_s / total_time_s(case.budgets[victim])
        for victim, time_s in waits_s.items()
        if victim in case.budgets
    )


def _held_s(case: Case, resource: str) -> tuple[float, float]:
    """How long this endpoint has held a lock while others waited; and of it, in calls."""
    traces = {trace.trace_id: trace for trace in case.traces}
    held_ns = calls_ns = 0
    for hold in case.step.holds:
        if hold.resource == resource and hold.trace_id in traces:
            held_ns += hold.end_ns - hold.start_ns
            for span in traces[hold.trace_id].spans:
                if span.category in CALLS:
                    overlap_ns = min(span.end_ns, hold.end_ns) - max(span.start_ns, hold.start_ns)
                    calls_ns += max(0, overlap_ns)
    return held_ns / 1e9, calls_ns / 1e9


def _finding(case: Case, resource: str, calls_ratio: float) -> Finding:
    charged = case.charged(resource=resource)
    site = max(charged, key=lambda entry: entry.wait_s).site
    own_s = wait_s(entry for entry in charged if entry.victim == case.endpoint)
    return Finding(
        code=CODE,
        title="Requests wait for a lock that is held during a call",
        endpoint=case.endpoint,
        share_ratio=min(1.0, own_s / total_time_s(case.budget)),
        mix_share_ratio=case.mix_share_ratio(charged=charged),
        location=Location.parse(site),
        evidence=(
            Evidence(
                statement=f"the {resource} is held for calls, of the time",
                value=calls_ratio,
                unit="ratio",
            ),
            Evidence(
                statement="requests that waited for it meanwhile, over the step",
                value=wait_s(charged),
                unit="s",
            ),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters={"site": site, "resource": resource},
    )
