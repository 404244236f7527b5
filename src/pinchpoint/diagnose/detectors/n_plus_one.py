"""The same statement runs again for every row of an earlier result (N+1).

Seen as: one statement, apart from its values, at one line of the user's code, five times or
    more in the median request of an endpoint.
Costs: a round trip, and an object-relational mapper's work, for each row. Grows with the data.
    The mapper's work is not told from other work between the statements: the share is at most
    that of both.
Not seen: batches (IN lists with several values, arrays, pages by key or offset, fetches of a
    hundred rows at a time), a statement that stands on several lines, loops of fewer than five
    rows on the data at hand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from pinchpoint.diagnose.statements import is_batch, is_countable, normalize, shortened, subject
from pinchpoint.model.finding import Evidence, Finding, Location, Status
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.span import Span, Trace

CODE = "DB001"
NAME = "N+1 statements"
ADVICE = "Load the related rows with the first statement (a join) or with one more (IN)."

REPEATS = 5
"""In a request: below, a repeated statement costs less than the change that removes it."""
MOST_ROWS = 100
"""At a time, on average: from here on it is a large result in pieces, as a cursor fetches it."""
SHARE_RATIO = 0.1
"""Of the service time: below, it is a pattern without a cost at this load."""


def detect(case: Case) -> Iterator[Finding]:
    """Find lines that repeat a statement; one finding for each."""
    at_line: dict[str, list[_Repeated]] = defaultdict(list)
    for repeated in _statements(case.traces):
        if repeated.per_request >= REPEATS and repeated.rows < MOST_ROWS * repeated.counts.total():
            at_line[repeated.site].append(repeated)
    for site, found in at_line.items():
        yield _finding(case, site, sorted(found, key=lambda one: -one.time_s))


@dataclass(slots=True)
class _Repeated:
    """One statement at one line, over the requests of an endpoint."""

    statement: str
    site: str
    time_s: float = 0.0
    between_s: float = 0.0
    per_request: float = 0.0
    rows: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, trace_id: int, span: Span, before_s: float) -> None:
        if self.counts[trace_id]:  # what comes before the first one need not be of the loop
            self.between_s += before_s
        self.counts[trace_id] += not span.is_continuation
        self.time_s += span.duration_s
        self.rows += max(0, span.rows)


def _statements(traces: Sequence[Trace]) -> Sequence[_Repeated]:
    """All statements by line; times and `per_request` (a median) are those of a request."""
    found: dict[tuple[str, str], _Repeated] = {}
    for trace in traces:
        for span, before_s in _with_work_before(trace):
            if span.category is Category.SQL and _is_repeatable(span.name):
                key = normalize(span.name), span.site
                found.setdefault(key, _Repeated(*key)).add(trace.trace_id, span, before_s)
    for repeated in found.values():
        repeated.time_s /= len(traces)
        repeated.between_s /= len(traces)
        repeated.per_request = median(repeated.counts[trace.trace_id] for trace in traces)
    return tuple(found.values())


def _with_work_before(trace: Trace) -> Iterator[tuple[Span, float]]:
    """Each span with the time since the one before it: of the code that prepares a statement."""
    starts_ns = {span.span_id: span.start_ns for span in trace.spans}
    parents = {span.parent_id for span in trace.spans}
    last_end_ns = trace.start_ns
    for span in sorted(trace.spans, key=lambda span: span.start_ns):
        since_ns = max(last_end_ns, starts_ns.get(span.parent_id, trace.start_ns))
        yield span, max(0, span.start_ns - since_ns) / 1e9
        if span.span_id not in parents:
            last_end_ns = max(last_end_ns, span.end_ns)


def _is_repeatable(statement: str) -> bool:
    return is_countable(statement) and not is_batch(statement)


def _finding(case: Case, site: str, found: Sequence[_Repeated]) -> Finding:
    statements_s = sum(one.time_s for one in found)
    between_s = sum(one.between_s for one in found)
    time_s = statements_s + between_s
    share_ratio = case.share_ratio(time_s)
    charged = case.charged(site=site) if site else ()
    return Finding(
        code=CODE,
        title=f"N+1: {found[0].per_request:.0f} x {subject(found[0].statement)}",
        endpoint=case.endpoint,
        status=Status.PREDICTED if share_ratio >= SHARE_RATIO else Status.SUSPECTED,
        share_ratio=share_ratio,
        mix_share_ratio=case.mix_share_ratio(time_s, charged),
        location=Location.parse(site),
        evidence=(
            *(
                Evidence(
                    statement=f"{one.per_request:.0f} times: {shortened(one.statement)}",
                    value=one.per_request,
                    unit="per request",
                )
                for one in found
            ),
            Evidence(statement="time in them per request", value=statements_s, unit="s"),
            Evidence(statement="in the code between them, at most", value=between_s, unit="s"),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters={"statement": found[0].statement, "site": site},
    )
