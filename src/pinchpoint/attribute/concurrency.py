"""How many requests each process works on at the same time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinchpoint.model.span import Trace


def most_at_once(traces: Iterable[Trace]) -> Mapping[int, int]:
    """The most requests that were in each process at one moment, by process id.

    One that begins at the very moment when another ends is not there at the same time.
    """
    changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for trace in traces:
        changes[trace.pid] += [(trace.start_ns, 1), (trace.end_ns, -1)]
    return {pid: _highest(sorted(events)) for pid, events in changes.items()}


def _highest(events: Iterable[tuple[int, int]]) -> int:
    """Ends sort before beginnings of the same time."""
    now = highest = 0
    for _, change in events:
        now += change
        highest = max(highest, now)
    return highest
