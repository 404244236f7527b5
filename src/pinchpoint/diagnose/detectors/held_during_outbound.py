"""A database connection is held while the request waits for something else.

Seen as: half or more of the time for which an endpoint's requests hold a connection of a pool
    passes in calls to other services or in sleeping.
Costs: connections that do nothing. With all of them out, every endpoint that needs one waits
    for the other service too, though the database is idle.
Not seen: connections without a pool, holding them for the application's own computing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinchpoint.diagnose.case import total_time_s, wait_s
from pinchpoint.diagnose.pools import pool_size
from pinchpoint.model.finding import Evidence, Finding, Location, Status
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pinchpoint.diagnose.case import Case
    from pinchpoint.diagnose.pools import PoolSize
    from pinchpoint.model.span import Hold, Span, Trace

CODE = "PL002"
NAME = "connection held during a call"
ADVICE = "Give the connection back before this call: end the session or transaction first."
EXPLAINS = ("PL001",)
"""Waiting for the pool needs no finding of its own where this is its cause."""

IDLE = frozenset({Category.OUTBOUND, Category.SLEEP})
IDLE_RATIO = 0.5
"""Of the time held: from here on most of it is not the database's business."""
SHORTEST_IDLE_S = 0.001
"""Per request: below, giving a connection back and taking it again costs as much."""
WAIT_RATIO = 0.01
"""Of the mix's response time: below, nobody waits because of it at this load."""


def detect(case: Case) -> Iterator[Finding]:
    """Find pools whose connections this endpoint holds without using them."""
    for resource, use in _uses(case).items():
        idle_s, size = sum(use.idle_s.values()), pool_size(resource)
        is_idle = idle_s >= IDLE_RATIO * use.held_s and idle_s >= SHORTEST_IDLE_S * len(case.traces)
        if is_idle and size is not None:
            yield _finding(case, resource, size, use)


@dataclass(slots=True)
class _Use:
    """What the requests of an endpoint did while they held a pool's connections."""

    held_s: float = 0.0
    idle_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, hold: Hold, calls: Iterable[Span]) -> None:
        self.held_s += (hold.end_ns - hold.start_ns) / 1e9
        for span in calls:
            overlap_ns = min(span.end_ns, hold.end_ns) - max(span.start_ns, hold.start_ns)
            if overlap_ns > 0:
                self.idle_s[span.site] += overlap_ns / 1e9


def _uses(case: Case) -> Mapping[str, _Use]:
    calls = {trace.trace_id: _calls(trace) for trace in case.traces}
    uses: dict[str, _Use] = defaultdict(_Use)
    for hold in case.step.holds:
        if hold.trace_id in calls:
            uses[hold.resource].add(hold, calls[hold.trace_id])
    return uses


def _calls(trace: Trace) -> Sequence[Span]:
    """Without calls inside of calls, such as urllib3 below requests."""
    idle = {span.span_id: span for span in trace.spans if span.category in IDLE}
    return [span for span in idle.values() if span.parent_id not in idle]


def _finding(case: Case, resource: str, size: PoolSize, use: _Use) -> Finding:
    charged = case.charged(resource=resource)
    own_s = wait_s(entry for entry in charged if entry.victim == case.endpoint)
    mix_share_ratio = case.mix_share_ratio(charged=charged)
    idle_s = sum(use.idle_s.values())
    return Finding(
        code=CODE,
        title="A database connection is held during another call",
        endpoint=case.endpoint,
        status=Status.PREDICTED if mix_share_ratio >= WAIT_RATIO else Status.SUSPECTED,
        share_ratio=min(1.0, own_s / total_time_s(case.budget)),
        mix_share_ratio=mix_share_ratio,
        location=Location.parse(max(use.idle_s, key=lambda site: use.idle_s[site])),
        evidence=(
            Evidence(
                statement=f"a connection of {resource} is held per request",
                value=use.held_s / len(case.traces),
                unit="s",
            ),
            Evidence(
                statement="of it in calls to other services or sleeping",
                value=idle_s / use.held_s,
                unit="ratio",
            ),
            Evidence(
                statement="waiting for these connections, over the step",
                value=wait_s(charged),
                unit="s",
            ),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters=size.parameters(resource, case.recording.deployment.workers),
    )
