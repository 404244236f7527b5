"""Text for the terminal: at most 30 lines, the verdict before everything else.

Shapes and words carry the meaning, colour repeats it: ● proven (applied and measured),
◐ predicted (by a model), ○ suspected (a pattern without a cost at this load), ✗ ruled out,
? inconclusive. A run that breaks a law of queueing says VOID first and names no figure.
"""

from __future__ import annotations

import io
import itertools
import textwrap
from typing import TYPE_CHECKING

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.text import Text
from rich.theme import Theme

from pinchpoint.model.finding import Status
from pinchpoint.report.redaction import redacted
from pinchpoint.report.source import code_frame, relative_file
from pinchpoint.report.story import (
    checks,
    deciding_trial,
    evidence_words,
    gain,
    headline,
    is_void,
    outlook,
    proof,
    reach,
    response_times,
    status_words,
)
from pinchpoint.report.words import SHAPES, duration, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.finding import Finding
    from pinchpoint.model.report import Report

LINES = 29
"""With the path of the page, which the caller adds, 30: the rows of a small terminal."""
SHORT_FINDINGS = 3
"""Lines that are kept for the findings after the first."""


def render(report: Report, *, is_colored: bool = False, width: int = 100) -> str:
    """The report as text.

    Args:
        report: What to say.
        is_colored: With terminal escapes; leave it for NO_COLOR and where nobody watches.
        width: Columns; longer lines are wrapped or cut.
    """
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in _lines(report, width)]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return _colored(text) if is_colored else text


def _lines(report: Report, width: int) -> list[str]:
    report = redacted(report)
    head = [*_void(report, width), *_header(report, width), "", *_verdict(report, width), ""]
    for detail, rows in itertools.product(_details(report, width), (2, 1)):
        tail = ["", *_tail(report, width, rows)]
        room = LINES - len(head) - len(tail) - len(detail)
        others = _others(report, width, room)
        if room >= min(SHORT_FINDINGS, len(report.findings[1:])):
            break
    return [*head, *detail, *others, *tail]


def _void(report: Report, width: int) -> Iterator[str]:
    if report.quality.stopped:
        reason = f"{report.quality.stopped}. What follows is partial."
        yield from _wrap("STOPPED  ", reason, width, rows=2)
    if is_void(report):
        yield from _wrap("VOID     ", "; ".join(report.quality.violations), width, rows=3)


def _header(report: Report, width: int) -> Iterator[str]:
    yield _cut(f"pinchpoint  {report.title}   run {report.run_id}", width)
    for line in report.summary[:4]:
        yield _cut(f"  {line}", width)


def _verdict(report: Report, width: int) -> Iterator[str]:
    yield from _wrap("VERDICT  ", headline(report), width, rows=2)
    if more := " ".join(outlook(report)):
        yield from _wrap("         ", more, width, rows=3)


def _details(report: Report, width: int) -> list[list[str]]:
    """The first finding, from all that there is to say of it down to a single line."""
    if report.is_outside:
        return [[_cut(line, width) for line in _response_times(report)]]
    if not report.findings:
        return [[" No findings."]]
    first = report.findings[0]
    title = _title(first, report, width, first.title)
    frame = _frame(first, report, width)
    facts = [] if is_void(report) else list(_facts(first, report, width))
    head = [title, *_place(first, report, width)]
    return [[*head, *frame, *facts], [*head, *facts], head, [title]]


def _response_times(report: Report) -> Iterator[str]:
    """All that is seen from outside, one line a rate."""
    rows = [f"   at {at:<14} p50 {p50:<10} p99 {p99}" for at, p50, p99 in response_times(report)]
    more = " Response times from the intended start:" if rows else ""
    yield f" Causes are not seen from outside.{more}"
    yield from rows


def _others(report: Report, width: int, room: int) -> list[str]:
    others = [
        _title(finding, report, width, _with_endpoint(finding)) for finding in report.findings[1:]
    ]
    if len(others) <= room:
        return others
    shown = others[: max(0, room - 1)]
    return [*shown, f"   ... and {len(others) - len(shown)} more in the report"]


def _with_endpoint(finding: Finding) -> str:
    is_said = finding.endpoint in finding.title
    return finding.title if is_said else f"{finding.title} in {finding.endpoint}"


def _title(finding: Finding, report: Report, width: int, title: str) -> str:
    shape = SHAPES[Status.INCONCLUSIVE if is_void(report) else finding.status]
    end = f"  {gain(finding, report)}  [{status_words(finding, report)}]"
    room = width - len(end)
    return _cut(f" {shape} {finding.code}  {title}", room).ljust(room) + end


def _place(finding: Finding, report: Report, width: int) -> Iterator[str]:
    if location := finding.location:
        where = f"{relative_file(location.file, report)}:{location.line}"
        function = f"  in {location.function}()" if location.function else ""
        yield _cut(f"   --> {where}{function}  {finding.endpoint}", width)


def _frame(finding: Finding, report: Report, width: int) -> Iterator[str]:
    """The line to blame, underlined, after the line before it."""
    for line in code_frame(finding.location, report):
        yield _cut(f"{line.number:>5} | {line.text}", width)
        if line.is_blamed:
            code = line.text.lstrip()
            yield f"      | {'^' * len(code):>{len(line.text)}}"[:width]
            return


def _facts(finding: Finding, report: Report, width: int) -> Iterator[str]:
    facts = "; ".join(map(evidence_words, finding.evidence))
    yield from _wrap("    = evidence  ", facts, width, rows=2)
    if finding.victims:
        victims = [f"{v.endpoint} {duration(v.wait_s)}" for v in finding.victims]
        yield from _wrap("    = victims   waiting in all: ", names(victims, 2), width, rows=1)
    if finding.advice:
        yield from _wrap("    = fix       ", finding.advice, width, rows=2)
    if trial := deciding_trial(finding, report):
        yield from _wrap("    = proof     ", proof(trial), width, rows=2)
        if words := reach(trial, finding.endpoint):
            yield from _wrap("                ", words, width, rows=1)


def _tail(report: Report, width: int, rows: int) -> Iterator[str]:
    if report.ruled_out and not is_void(report):
        ruled_out = " · ".join(f"{item.name}: {item.reason}" for item in report.ruled_out)
        yield from _wrap(" RULED OUT  ", ruled_out, width, rows)
    if report.skipped:
        yield from _wrap(" NOT SEEN   ", _skipped(report), width, rows)
    sure = " · ".join(f"{name} {figure}" for name, figure in checks(report))
    yield from _wrap(" HOW SURE   ", sure, width, rows=1)
    if report.quality.warnings:
        yield from _wrap(" NOTE       ", "; ".join(report.quality.warnings), width, rows)


def _skipped(report: Report) -> str:
    """`3 routes: it writes (POST /cart, DELETE /cart); 1 route: needs login (GET /me)`."""
    reasons: dict[str, list[str]] = {}
    for route in report.skipped:
        reasons.setdefault(route.reason, []).append(route.endpoint)
    return "; ".join(
        f"{len(routes)} {'route' if len(routes) == 1 else 'routes'}: {reason} ({names(routes, 2)})"
        for reason, routes in reasons.items()
    )


def _wrap(label: str, text: str, width: int, rows: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        max_lines=rows,
        placeholder=" …",
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


class _Palette(RegexHighlighter):
    """Colours as a layer over the finished text, so that both forms say the same."""

    base_style = "pinchpoint."
    highlights = (
        r"(?m)^(?P<void>VOID|STOPPED)\b",
        r"(?m)^(?P<heading>VERDICT)\b",
        r"(?m)^ (?P<heading>RULED OUT|NOT SEEN|HOW SURE|NOTE)\b",
        r"(?m)^ (?P<proven>● \w+)|^ (?P<predicted>◐ \w+)|^ (?P<suspected>[○✗?] \w+)",
        r"(?m)(?P<proven>\[proven[^]]*\])$|(?P<predicted>\[predicted\])$",
        r"(?m)^ *(?P<frame>--> \S+|\d+ \||\|)",
        r"(?m)\| *(?P<caret>\^+)$",
        r"(?m)^    (?P<frame>= \w+)",
        r"(?P<void>ANSWERS DIFFER)",
    )


_THEME = Theme(
    {
        "pinchpoint.void": "bold white on red",
        "pinchpoint.heading": "bold",
        "pinchpoint.proven": "bold green",
        "pinchpoint.predicted": "bold yellow",
        "pinchpoint.suspected": "dim",
        "pinchpoint.frame": "blue",
        "pinchpoint.caret": "bold red",
    }
)


def _colored(text: str) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", theme=_THEME)
    palette = _Palette()
    for line in text.splitlines():
        styled = Text(line)
        palette.highlight(styled)
        console.print(styled, soft_wrap=True)
    return out.getvalue()
