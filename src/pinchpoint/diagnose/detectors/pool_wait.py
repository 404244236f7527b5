"""Requests wait for a connection because all of a pool's connections are out.

Seen as: a tenth or more of an endpoint's response time is waiting for a pool whose connections
    are all out meanwhile. It is reported at the endpoint that holds them, not at those that wait.
Costs: the waiting; it grows without bound as the load nears connections / time held.
Not seen: pools that fill up only because their holders wait for a CPU or the event loop (what
    connections are needed for at a light load would use less than half of the pool), pools
    without a limit, a pool outside of the application such as PgBouncer, and what
    PL002 explains: connections that are held while nothing is done with them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.diagnose.case import total_time_s, wait_s
from pinchpoint.diagnose.pools import demand_ratio, full_s, pool_size
from pinchpoint.model.finding import Evidence, Finding, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pinchpoint.diagnose.case import Case
    from pinchpoint.diagnose.pools import PoolSize
    from pinchpoint.model.budget import BlameEntry

CODE = "PL001"
NAME = "waiting for a pool"
ADVICE = (
    "Shorten the time that this endpoint holds a connection; enlarge the pool only if the"
    " database has capacity left."
)

SHARE_RATIO = 0.1
"""Of the response time of the endpoint that waits most."""
DEMAND_RATIO = 0.5
"""Of the pool, by the time that connections are held for at a light load: queueing begins to
matter from here on (at 0.5 two connections make a request wait for a third of its hold, M/M/2)."""


def detect(case: Case) -> Iterator[Finding]:
    """Find pools that others wait for and that this endpoint holds most of the time."""
    for resource in dict.fromkeys(entry.resource for entry in case.charged()):
        entries = [entry for entry in case.blame if entry.resource == resource]
        size = pool_size(resource)
        if size is None or case.endpoint != _main_holder(entries):
            continue
        share_ratio = _worst_share_ratio(case, entries)
        out_s = full_s(case.step.holds, resource, size.limit)
        used_ratio = demand_ratio(case.recording, case.step, resource, size.limit)
        if share_ratio >= SHARE_RATIO and out_s > 0 and used_ratio >= DEMAND_RATIO:
            yield _finding(case, resource, size, out_s)


def _main_holder(entries: Iterable[BlameEntry]) -> str:
    sums = _sums((entry.holder, entry.wait_s) for entry in entries)
    return max(sums, key=lambda name: sums[name])


def _worst_share_ratio(case: Case, entries: Iterable[BlameEntry]) -> float:
    sums = _sums((entry.victim, entry.wait_s) for entry in entries)
    return max(
        time_s / total_time_s(case.budgets[name])
        for name, time_s in sums.items()
        if name in case.budgets
    )


def _sums(pairs: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for name, time_s in pairs:
        sums[name] += time_s
    return sums


def _finding(case: Case, resource: str, size: PoolSize, out_s: float) -> Finding:
    charged = case.charged(resource=resource)
    own_s = wait_s(entry for entry in charged if entry.victim == case.endpoint)
    return Finding(
        code=CODE,
        title="It holds the connections that others wait for",
        endpoint=case.endpoint,
        share_ratio=min(1.0, own_s / total_time_s(case.budget)),
        mix_share_ratio=case.mix_share_ratio(charged=charged),
        location=Location.parse(charged[0].site),
        evidence=(
            Evidence(
                statement=f"all {size.limit} connections of {resource} are out, of the time",
                value=min(1.0, out_s / case.step.duration_s),
                unit="ratio",
            ),
            Evidence(
                statement="waiting for connections that this endpoint held, over the step",
                value=wait_s(charged),
                unit="s",
            ),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters=size.parameters(resource, case.recording.deployment.workers),
    )
