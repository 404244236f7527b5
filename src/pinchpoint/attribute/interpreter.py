"""Who had the interpreter while others, whose database had answered, waited to go on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.attribute.holding import handler_of, uncovered
from pinchpoint.attribute.sweep import Occupation, Wait
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pinchpoint.model.sample import Sample
    from pinchpoint.model.span import Trace

    Pair = tuple[Sample, Trace]

CODE = frozenset(
    {Category.APP, Category.FRAMEWORK, Category.SERIALIZE, Category.TEMPLATE, Category.GC}
)
"""Needs the interpreter all the time; everything else lets go of it and waits."""


def interpreter_waits(
    pairs: Iterable[Pair], limits_ns: Mapping[str, float]
) -> Mapping[int, list[tuple[Wait, int]]]:
    """By process, the ends of statements that took longer than the database, with trace ids."""
    waits: dict[int, list[tuple[Wait, int]]] = defaultdict(list)
    for sample, trace in pairs:
        for span in trace.spans:
            if span.category is Category.SQL and span.name in limits_ns:
                start_ns = span.start_ns + round(limits_ns[span.name])
                if start_ns < span.end_ns:
                    wait = Wait(start_ns, span.end_ns, sample.endpoint)
                    waits[trace.pid].append((wait, trace.trace_id))
    return waits


def interpreter_occupations(pairs: Iterable[Pair], pid: int) -> Iterator[Occupation]:
    """When each request of a process ran code, or was ready to."""
    for sample, trace in pairs:
        if trace.pid != pid:
            continue
        away = [(one.start_ns, one.end_ns) for one in trace.spans if one.category not in CODE]
        site = handler_of(trace)
        for start_ns, end_ns in uncovered(trace.start_ns, trace.end_ns, away):
            yield Occupation(start_ns, end_ns, sample.endpoint, site)
