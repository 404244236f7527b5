"""A comparison of two runs, and a list of runs, as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.report.compare import ratio_words
from pinchpoint.report.story import is_void
from pinchpoint.report.words import duration, names, percent, rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.finding import Finding
    from pinchpoint.model.report import Report
    from pinchpoint.report.compare import Comparison


def as_text(comparison: Comparison) -> str:
    """The comparison, the capacity first."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    before, after = comparison.before.report, comparison.after.report
    yield f"before  {before.run_id}  {_capacity(before)}  {before.title}"
    yield f"after   {after.run_id}  {_capacity(after)}  {after.title}"
    yield ""
    if comparison.capacity:
        yield f"CAPACITY   {ratio_words(comparison.capacity)}"
    else:
        yield "CAPACITY   not comparable: one of the runs has none"
    yield from _median_lines(comparison)
    yield from (f"NEW        {_finding(one)}" for one in comparison.new)
    yield from (f"GONE       {_finding(one)}" for one in comparison.gone)
    for earlier, later in comparison.changed:
        shares = f"{percent(earlier.mix_share_ratio)} → {percent(later.mix_share_ratio)}"
        yield f"CHANGED    {_finding(later)}: {shares} of the mix's time"
    yield from (f"NOTE       {caveat}" for caveat in comparison.caveats)


def _median_lines(comparison: Comparison) -> Iterator[str]:
    """Endpoints whose median moved for sure, the slower ones first."""
    moved = [
        (endpoint, ratio)
        for endpoint, ratio in comparison.medians.items()
        if not ratio.low <= 1 <= ratio.high
    ]
    for endpoint, ratio in sorted(moved, key=lambda one: -one[1].value):
        old = duration(comparison.before.medians_s[endpoint].value)
        new = duration(comparison.after.medians_s[endpoint].value)
        word = "SLOWER" if ratio.value > 1 else "FASTER"
        yield f"{word:<9}  {endpoint}: {old} → {new}, {ratio_words(ratio)}"


def _capacity(report: Report) -> str:
    if is_void(report):
        return "void"
    capacity = report.capacity
    return f"{rate(capacity.rate_rps)} ({capacity.state})"


def _finding(finding: Finding) -> str:
    place = f" {finding.location.file}:{finding.location.line}" if finding.location else ""
    return f"{finding.code} {finding.title}, {finding.endpoint}{place}"


def history_line(report: Report) -> str:
    """One run in one line: when, what it holds, its wall and its findings."""
    codes = names(tuple(dict.fromkeys(one.code for one in report.findings)), 4) or "no findings"
    wall = report.capacity.wall.partition(" (")[0]
    parts = (_capacity(report), wall, codes, report.title)
    return f"{report.run_id:<20} " + "  ".join(part for part in parts if part)
