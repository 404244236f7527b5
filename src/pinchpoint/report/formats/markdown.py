"""Markdown, for a comment on a pull request or the summary of a CI job.

Verdict, findings as a table, fixes that were tried, how sure it is: what the terminal says,
without the code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pinchpoint.report.redaction import redacted
from pinchpoint.report.source import relative_file
from pinchpoint.report.story import (
    checks,
    gain,
    headline,
    is_void,
    outlook,
    proof,
    response_times,
    status_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.finding import Finding
    from pinchpoint.model.report import Report

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def render(report: Report) -> str:
    """The report as one section, with a newline at the end."""
    return "\n".join(_lines(redacted(report))) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"### {_plain(report.title)}"
    yield ""
    yield f"**{_plain(headline(report))}** {_plain(' '.join(outlook(report)))}".rstrip()
    if is_void(report):
        yield from ("", *(f"- VOID: {_plain(one)}" for one in report.quality.violations))
    yield ""
    yield from _response_times(report) if report.is_outside else _findings(report)
    if report.trials:
        yield from ("", "| change | what it did |", "|---|---|")
    for trial in report.trials:
        change = f"{trial.change.finding} {trial.change.advice}".strip()
        yield f"| {_plain(change)} | {_plain(proof(trial))} |"
    yield ""
    yield "; ".join(f"{name} {_plain(figure)}" for name, figure in checks(report))
    if report.quality.warnings:
        yield from ("", *(f"- {_plain(one)}" for one in report.quality.warnings))


def _findings(report: Report) -> Iterator[str]:
    if not report.findings:
        yield "No findings."
        return
    yield "| finding | where | what a fix wins | status |"
    yield "|---|---|---|---|"
    for finding in report.findings:
        cells = (
            f"{finding.code} {finding.title}",
            _place(finding, report),
            gain(finding, report),
            status_words(finding, report),
        )
        yield f"| {' | '.join(map(_plain, cells))} |"


def _place(finding: Finding, report: Report) -> str:
    if finding.location is None:
        return finding.endpoint
    place = finding.location
    return f"{finding.endpoint}, {relative_file(place.file, report)}:{place.line}"


def _response_times(report: Report) -> Iterator[str]:
    rows = [f"| {' | '.join(row)} |" for row in response_times(report)]
    yield from ("| rate | p50 | p99 |", "|---|---|---|", *rows) if rows else ()


def _plain(text: str) -> str:
    """Text that Markdown takes as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
