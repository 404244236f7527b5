"""The user's lines: shorter paths, and a few lines around the one to blame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.report.redaction import redact

if TYPE_CHECKING:
    from pinchpoint.model.finding import Location
    from pinchpoint.model.report import Report

DIRECTORY = "directory"
"""The name under which `Report.environment` holds the application's directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    """One line of a code frame."""

    number: int
    text: str
    is_blamed: bool


def relative_file(file: str, report: Report) -> str:
    """The path from the application's directory if it is below it, else unchanged."""
    directory = report.environment.get(DIRECTORY, "")
    path = Path(file)
    return (
        str(path.relative_to(directory)) if directory and path.is_relative_to(directory) else file
    )


def code_frame(location: Location | None, report: Report, around: int = 1) -> tuple[CodeLine, ...]:
    """Read the line to blame and its neighbours, redacted and without common indentation.

    Args:
        location: Where; None gives no lines.
        report: Whose application it is.
        around: Lines before and after.

    Returns:
        At most `2 * around + 1` lines; none if the file cannot be read or is shorter.
    """
    if location is None:
        return ()
    try:
        lines = (Path(report.environment.get(DIRECTORY, "")) / location.file).read_text(
            encoding="utf-8", errors="replace"
        )
    except (OSError, ValueError):
        return ()
    return _around(lines.expandtabs(4).splitlines(), location.line, around)


def _around(lines: list[str], blamed: int, around: int) -> tuple[CodeLine, ...]:
    if not 1 <= blamed <= len(lines) or not lines[blamed - 1].strip():
        return ()
    numbers = [
        number
        for number in range(max(1, blamed - around), min(len(lines), blamed + around) + 1)
        if lines[number - 1].strip()
    ]
    indent = min(len(text) - len(text.lstrip()) for text in (lines[n - 1] for n in numbers))
    return tuple(
        CodeLine(number=n, text=redact(lines[n - 1][indent:].rstrip()), is_blamed=n == blamed)
        for n in numbers
    )
