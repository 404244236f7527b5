"""What the name of a pool says, and how far it is used."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
