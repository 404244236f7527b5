"""What needs no new measurement: earlier runs, other rules, other formats, explanations."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from pinchpoint.diagnose import load_detectors
from pinchpoint.errors import UsageError
from pinchpoint.launch import doctor
from pinchpoint.launch.guardian import guard
from pinchpoint.pipeline.run import analyse
from pinchpoint.plugins import load_plugin
from pinchpoint.report import store
from pinchpoint.report.formats import json as json_format
from pinchpoint.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from pinchpoint.launch.doctor import Check
    from pinchpoint.model.report import Report

RUNS = ".pinchpoint"


def find_run(directory: Path, name: str) -> Path:
    """The folder of a run: `last`, its name, or a path.

    Raises:
        UsageError: There is no such run.
    """
    base = directory / RUNS
    known = sorted(folder.parent for folder in base.glob("*/report.json"))
    if name == "last" and known:
        return known[-1]
    for folder in (directory / name, base / name):
        if (folder / "report.json").exists():
            return folder
    latest = ", ".join(folder.name for folder in known[-5:]) or "none"
    raise UsageError(f"no run '{name}' in {base}", f"The latest: {latest}.")


def analyze(folder: Path) -> Report:
    """Apply the present rules to an earlier recording; nothing is written."""
    earlier = store.load_report(folder)
    return analyse(
        store.load_recording(folder),
        run_id=earlier.run_id,
        capacity=earlier.capacity,
        trials=earlier.trials,
        quality=earlier.quality,
        elapsed_s=earlier.elapsed_s,
        command=earlier.command,
    )


def explain(code: str) -> str:
    """The manual page of a finding's code; all codes with one line each if it is empty.

    Raises:
        UsageError: There is no such code.
    """
    pages = {
        module.CODE: f"{module.CODE} {name.replace('_', '-')}\n\n{inspect.getdoc(module)}"
        for name, module in load_detectors().items()
    }
    if not code:
        lines = [(page.splitlines()[0], page.splitlines()[2]) for page in pages.values()]
        return "\n".join(f"{head:<32} {first}" for head, first in sorted(lines))
    if code.upper() not in pages:
        raise UsageError(f"unknown code '{code}'; known: {', '.join(sorted(pages))}")
    return pages[code.upper()]


def clean() -> tuple[str, ...]:
    """Remove what dead runs left, one line for each thing."""
    with guard() as guardian:
        return guardian.left_behind


def exit_status(report: Report) -> int:
    """4 where the run is void or was stopped, else 1 where an objective is not met, else 0."""
    if report.quality.violations or report.quality.stopped:
        return 4
    objective = report.capacity.objective
    return 1 if objective and not objective.is_met else 0


def examine(directory: Path) -> tuple[Check, ...]:
    """What this machine has for a run of the application in a folder."""
    return tuple(doctor.judge(doctor.examine(directory)))


def as_text(report: Report, folder: Path, *, is_colored: bool, width: int) -> str:
    """The terminal's verdict and where the page is."""
    text = terminal.render(report, is_colored=is_colored, width=min(width, 100))
    return f"{text.rstrip()}\n report  {folder / 'report.html'}"


def as_format(folder: Path, name: str) -> str:
    """The report of an earlier run in one of the formats.

    Raises:
        UsageError: There is no such format; the message lists the known ones.
    """
    plugin = load_plugin("pinchpoint.report.formats", name, "render")
    text: str = plugin.render(store.load_report(folder))
    return text


def as_json(report: Report) -> str:
    """The published JSON."""
    return json_format.render(report)


def write_json(report: Report, file: Path) -> None:
    """Write the published JSON to a file.

    Raises:
        UsageError: It cannot be written.
    """
    write(as_json(report), file)


def write(text: str, file: Path) -> None:
    """Write a file that the user has named.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
