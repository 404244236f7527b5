"""What the name of a pool says, and how far it is used."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.span import Hold

_NAME = re.compile(r"pool (\d+)(?:\+(\d+))? of .+")


class PoolSize(NamedTuple):
    """Connections that are kept, and those that may be opened on top, in each process."""

    size: int
    overflow: int

    @property
    def limit(self) -> int:
        """Connections that can be out at the same time."""
        return self.size + self.overflow

    def parameters(self, resource: str, workers: int) -> Mapping[str, str]:
        """What a fix needs to know to make the pool larger."""
        return {
            "resource": resource,
            "pool_size": str(self.size),
            "max_overflow": str(self.overflow),
            "workers": str(workers),
        }


def pool_size(resource: str) -> PoolSize | None:
    """Read `pool 5+10 of postgresql+psycopg`; None for another resource or an unlimited pool."""
    match = _NAME.fullmatch(resource)
    return PoolSize(int(match[1]), int(match[2] or 0)) if match else None


def demand_ratio(recording: Recording, step: Step, resource: str, limit: int) -> float:
    """U = X H / m: how far a load uses a pool by the time that requests need connections for.

    That time is taken from the lightest recorded load. Under a heavy one a connection is also
    held while its request waits for something else, such as a CPU: a pool that only fills up
    for that reason is not what limits, and a larger one gains nothing.

    Args:
        recording: With a lighter load; without one the load itself is taken.
        step: The load.
        resource: The pool.
        limit: Connections of each process.
    """
    light = min(
        (one for one in recording.steps if one.arrivals and one.traces and one.samples),
        key=lambda one: one.arrivals.rate_rps if one.arrivals else 0.0,
        default=step,
    )
    held_s = sum(
        hold.end_ns - hold.start_ns for hold in light.holds if hold.resource == resource
    ) / (1e9 * len(light.samples))
    rate_rps = len(step.samples) / step.duration_s
    return rate_rps * held_s / (limit * recording.deployment.workers)


def full_s(holds: Iterable[Hold], resource: str, limit: int) -> float:
    """For how long all connections of a pool were out, in the process where that was longest."""
    events: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for hold in holds:
        if hold.resource == resource:
            events[hold.pid] += [(hold.start_ns, 1), (hold.end_ns, -1)]
    return max((_full_ns(sorted(one), limit) for one in events.values()), default=0) / 1e9


def _full_ns(events: Iterable[tuple[int, int]], limit: int) -> int:
    out = full_ns = before_ns = 0
    for now_ns, change in events:
        if out >= limit:
            full_ns += now_ns - before_ns
        out += change
        before_ns = now_ns
    return full_ns
