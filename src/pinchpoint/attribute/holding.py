"""Small questions about intervals: what is left uncovered, and what filled them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pinchpoint.model.span import Trace

WORK = frozenset(
    {
        Category.SQL,
        Category.OUTBOUND,
        Category.SLEEP,
        Category.CACHE,
        Category.SERIALIZE,
        Category.TEMPLATE,
        Category.HASH,
    }
)
"""What a holder can be busy with, at a line of the user's code."""


def uncovered(
    start_ns: int, end_ns: int, intervals: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The parts of a time that no interval covers, in order."""
    at_ns = start_ns
    for first_ns, last_ns in sorted(intervals):
        if at_ns < min(first_ns, end_ns):
            yield at_ns, min(first_ns, end_ns)
        at_ns = max(at_ns, last_ns)
    if at_ns < end_ns:
        yield at_ns, end_ns


def children_of(trace: Trace) -> Mapping[int, Sequence[tuple[int, int]]]:
    """(start, end) of the spans directly below each span; below 0, those of the request."""
    children: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for span in trace.spans:
        children[span.parent_id].append((span.start_ns, span.end_ns))
    return children


def work_of(trace: Trace) -> Sequence[tuple[int, int, str]]:
    """(end, start, site) of what a request was busy with, in the order of the ends."""
    return sorted(
        (span.end_ns, span.start_ns, span.site)
        for span in trace.spans
        if span.category in WORK and span.site
    )


def main_site(work: Sequence[tuple[int, int, str]], start_ns: int, end_ns: int) -> str:
    """The line at which most of a time was spent; empty if nothing known fell into it.

    Args:
        work: From `work_of`.
        start_ns: Of the time.
        end_ns: Of the time.
    """
    times_ns: dict[str, int] = defaultdict(int)
    for number in range(bisect_right(work, (start_ns, end_ns, "")), len(work)):
        last_ns, first_ns, site = work[number]
        times_ns[site] += max(0, min(last_ns, end_ns) - max(first_ns, start_ns))
        if last_ns >= end_ns:
            break
    best = max(times_ns, key=lambda site: times_ns[site], default="")
    return best if times_ns[best] > 0 else ""


def handler_of(trace: Trace) -> str:
    """Where the application's own code begins; empty if it was not seen."""
    return next((span.site for span in trace.spans if span.category is Category.APP), "")
