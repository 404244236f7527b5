"""A statement reads a whole table to find a few rows.

Seen as: a plan of a statement of the endpoint with a full scan of a table of 10,000 rows or
    more that keeps less than 5 % of what it reads, or whose rows are sorted for a LIMIT.
Costs: time in proportion to the table; it grows with the data, and under load all requests
    pay for the CPU.
Not seen: small tables (as a developer's database often has), filters that most rows pass,
    scans that use an index, filters without a column of their own.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pinchpoint.diagnose.statements import has_limit, shortened
from pinchpoint.model.app import Framework
from pinchpoint.model.finding import Evidence, Finding, Location, Status
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.recording import Plan, Scan
    from pinchpoint.model.span import Span

CODE = "DB002"
NAME = "missing index"

FEWEST_TABLE_ROWS = 10_000
"""Below, a full scan is as fast as an index (reference: probe.md §5.3)."""
FEWEST_REMOVED_ROWS = 1_000
READ_PER_KEPT = 100
MOST_SELECTED_RATIO = 0.05
"""Three rules of measurement.md §5.4; an index on more than this share of a table wins little
(measured there: 247 times at 0.1 %, 6.7 times at 2 %, 2.8 times at 12 %)."""
SHARE_RATIO = 0.1
"""Of the service time: below, it is a pattern without a cost at this load."""


def detect(case: Case) -> Iterator[Finding]:
    """Find tables and columns that an index is missing on; one finding for each."""
    plans = {plan.statement: plan for plan in case.recording.plans}
    found: dict[tuple[str, tuple[str, ...]], list[_Reading]] = defaultdict(list)
    for statement, spans in _spans(case).items():
        if statement in plans:
            for reading in _readings(plans[statement], spans):
                found[reading.scan.table, reading.columns].append(reading)
    for readings in found.values():
        yield _finding(case, readings)


class _Reading(NamedTuple):
    """A scan that an index would save, and the executions of its statement."""

    plan: Plan
    scan: Scan
    columns: tuple[str, ...]
    kept_rows: float
    read_rows: int
    spans: Sequence[Span]


def _spans(case: Case) -> Mapping[str, Sequence[Span]]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for trace in case.traces:
        for span in trace.spans:
            if span.category is Category.SQL:
                spans[span.name].append(span)
    return spans


def _readings(plan: Plan, spans: Sequence[Span]) -> Iterator[_Reading]:
    for scan in plan.scans:
        if scan.uses_index or scan.table_rows < FEWEST_TABLE_ROWS:
            continue
        # SQLite's plans have no counts: a full scan reads the table, and the client kept the rest.
        read_rows = scan.table_rows if scan.read_rows < 0 else scan.read_rows
        kept_rows = _fetched_rows(spans) if scan.kept_rows < 0 else scan.kept_rows
        if scan.columns and _is_selective(read_rows, kept_rows, scan.table_rows):
            yield _Reading(plan, scan, scan.columns, kept_rows, read_rows, spans)
        elif scan.sort_columns and has_limit(plan.statement):
            kept_rows = _fetched_rows(spans)
            if _is_selective(read_rows, kept_rows, scan.table_rows):
                yield _Reading(plan, scan, scan.sort_columns, kept_rows, read_rows, spans)


def _fetched_rows(spans: Sequence[Span]) -> float:
    """Mean rows that the client got; infinite if no driver said, so that nothing is claimed."""
    rows = [span.rows for span in spans if span.rows >= 0]
    return fmean(rows) if rows else float("inf")


def _is_selective(read_rows: int, kept_rows: float, table_rows: int) -> bool:
    return (
        read_rows - kept_rows >= FEWEST_REMOVED_ROWS
        and read_rows >= READ_PER_KEPT * kept_rows
        and kept_rows < MOST_SELECTED_RATIO * table_rows
    )


def _finding(case: Case, readings: Sequence[_Reading]) -> Finding:
    main = max(readings, key=_total_s)
    saved_s = sum(map(_total_s, readings)) / len(case.traces)
    share_ratio = case.share_ratio(saved_s)
    site = _site(main.spans)
    charged = case.charged(site=site) if site else ()
    columns = ", ".join(main.columns)
    return Finding(
        code=CODE,
        title=f"No index on {main.scan.table} ({columns})",
        endpoint=case.endpoint,
        status=Status.PREDICTED if share_ratio >= SHARE_RATIO else Status.SUSPECTED,
        share_ratio=share_ratio,
        mix_share_ratio=case.mix_share_ratio(saved_s, charged),
        location=Location.parse(site),
        evidence=_evidence(main, saved_s),
        victims=case.victims(charged),
        advice=_advice(case, main, columns),
        parameters={
            "table": main.scan.table,
            "columns": ",".join(main.columns),
            "statement": main.plan.statement,
            "system": main.plan.system,
        },
    )


def _advice(case: Case, reading: _Reading, columns: str) -> str:
    """The migration that does not lock a table in production."""
    advice = f"Create an index on {reading.scan.table} ({columns})"
    if reading.plan.system != "postgresql":
        return f"{advice}."
    is_django = case.recording.app.framework is Framework.DJANGO
    how = "AddIndexConcurrently" if is_django else "CREATE INDEX CONCURRENTLY"
    return f"{advice}, in production by {how}."


def _evidence(reading: _Reading, saved_s: float) -> tuple[Evidence, ...]:
    line = next((line for line in reading.plan.lines if reading.scan.table in line), "full scan")
    return (
        Evidence(statement=f"plan: {line.strip()}"),
        Evidence(statement="it reads the whole table", value=reading.read_rows, unit="rows"),
        Evidence(statement="it keeps few of them", value=reading.kept_rows, unit="rows"),
        Evidence(
            statement=f"time per request in: {shortened(reading.plan.statement)}",
            value=saved_s,
            unit="s",
        ),
    )


def _total_s(reading: _Reading) -> float:
    return sum(span.duration_s for span in reading.spans)


def _site(spans: Sequence[Span]) -> str:
    """The line at which the statement took most time."""
    times_s: dict[str, float] = defaultdict(float)
    for span in spans:
        times_s[span.site] += span.duration_s
    return max(times_s, key=lambda site: times_s[site])
