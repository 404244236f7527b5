"""Exclusive times: which span of a trace each moment belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinchpoint.model.span import Span, Trace


def self_times_ns(trace: Trace) -> Mapping[Category, float]:
    """Sum each category's exclusive time; the sum over all is the trace's duration."""
    root_ns, *own_ns = exclusive_ns(trace)
    sums: dict[Category, float] = {Category.FRAMEWORK: root_ns}
    for span, own in zip(trace.spans, own_ns, strict=True):
        sums[span.category] = sums.get(span.category, 0.0) + own
    return sums


def exclusive_ns(trace: Trace) -> list[float]:
    """Give each moment of a request to the innermost span that is open in it.

    A span keeps its duration less the union of its children's intervals. Where children
    overlap, as under asyncio.gather, each has an equal part of the moment, so that the sum
    stays the request's duration. What lies outside of the enclosing span counts for nothing,
    and a span whose parent was not recorded lies directly below the request.

    Returns:
        Nanoseconds: first the request's own, then one entry for each of its spans, in order.
    """
    below = _children(trace)
    own = [0.0] * (len(trace.spans) + 1)
    own[0] = float(trace.end_ns - trace.start_ns)
    todo = [_Open(0, trace.start_ns, trace.end_ns, None)]
    while todo:
        parent = todo.pop()
        children = _clipped(trace, below[parent.number], parent)
        clock = _shared(children, parent.clock) if _overlap(children) else parent.clock
        for number, start_ns, end_ns, _ in children:
            own[number] = _elapsed(clock, start_ns, end_ns)
            own[parent.number] -= own[number]
            if number in below:
                todo.append(_Open(number, start_ns, end_ns, clock))
    return own


class _Clock(NamedTuple):
    """Time that advances at 1/n of its speed while n siblings share it; linear in between."""

    at_ns: list[int]
    reads_ns: list[float]

    def read(self, moment_ns: int) -> float:
        after = min(max(1, bisect_right(self.at_ns, moment_ns)), len(self.at_ns) - 1)
        start, end = self.at_ns[after - 1], self.at_ns[after]
        first, last = self.reads_ns[after - 1], self.reads_ns[after]
        return first + (last - first) * (moment_ns - start) / (end - start)


class _Open(NamedTuple):
    """A span within the limits of those that enclose it; number 0 is the request."""

    number: int
    start_ns: int
    end_ns: int
    clock: _Clock | None


def _children(trace: Trace) -> Mapping[int, Sequence[int]]:
    """The numbers of the spans below each one that has any, and below the request."""
    numbers = {span.span_id: number for number, span in enumerate(trace.spans, 1)}
    below: dict[int, list[int]] = defaultdict(list, {0: []})
    for number, span in enumerate(trace.spans, 1):
        interrupted = _interrupted(trace, span) if span.category is Category.GC else 0
        below[interrupted or numbers.get(span.parent_id, 0)].append(number)
    return below


def _interrupted(trace: Trace, pause: Span) -> int:
    """The number of the operation that a collection ran inside of; 0 if it is its parent.

    An operation that the probe records as it ends is not known to what happens meanwhile.
    """
    for number, span in enumerate(trace.spans, 1):
        is_sibling = span.parent_id == pause.parent_id and span.thread_id == pause.thread_id
        is_around = span.start_ns <= pause.start_ns and pause.end_ns <= span.end_ns
        if is_sibling and is_around and span.category is not Category.GC:
            return number
    return 0


def _clipped(trace: Trace, numbers: Sequence[int], parent: _Open) -> list[_Open]:
    found = []
    for number in numbers:
        span = trace.spans[number - 1]
        start_ns = max(span.start_ns, parent.start_ns)
        end_ns = min(span.end_ns, parent.end_ns)
        if start_ns < end_ns:
            found.append(_Open(number, start_ns, end_ns, None))
    found.sort(key=lambda child: child.start_ns)
    return found


def _overlap(children: Sequence[_Open]) -> bool:
    return any(after.start_ns < before.end_ns for before, after in pairwise(children))


def _shared(children: Sequence[_Open], clock: _Clock | None) -> _Clock:
    changes: dict[int, int] = defaultdict(int)
    for child in children:
        changes[child.start_ns] += 1
        changes[child.end_ns] -= 1
    at_ns = sorted(changes)
    reads_ns = [0.0]
    sharing = 0
    for start_ns, end_ns in pairwise(at_ns):
        sharing += changes[start_ns]
        reads_ns.append(reads_ns[-1] + _elapsed(clock, start_ns, end_ns) / max(1, sharing))
    return _Clock(at_ns, reads_ns)


def _elapsed(clock: _Clock | None, start_ns: int, end_ns: int) -> float:
    if clock is None:
        return float(end_ns - start_ns)
    return clock.read(end_ns) - clock.read(start_ns)
