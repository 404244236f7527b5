"""What a run leaves behind: its folder with report and recording, even if it is interrupted."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.errors import StoppedError
from pinchpoint.model.report import Report
from pinchpoint.report import store
from pinchpoint.report.formats import html
from pinchpoint.report.formats import json as json_format

if TYPE_CHECKING:
    from collections.abc import Generator

    from pinchpoint.pipeline.run import Run
    from pinchpoint.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished run.

    Attributes:
        report: What it says.
        folder: Where report and recording are.
    """

    report: Report
    folder: Path


class Interrupted(KeyboardInterrupt):
    """The user stopped a run that had something to say.

    Attributes:
        outcome: The partial report, already written.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def finish(run: Run) -> Outcome:
    """Analyse a run and write what it says."""
    run.reached("report")
    report = run.report()
    _write(run, report)
    return Outcome(report=report, folder=run.folder)


@contextmanager
def written_even_if_interrupted(run: Run) -> Generator[None]:
    """Write what has been measured so far when the user, or a breaker, stops the run.

    After a breaker the run goes on with what follows the context.

    Raises:
        Interrupted: Instead of KeyboardInterrupt, once something was measured.
    """
    try:
        yield
    except StoppedError as error:
        if not run.steps:
            raise
        run.stopped = str(error)
        run.warnings += filter(None, [error.remedy, _missing(run)])
    except KeyboardInterrupt:
        if not run.steps:
            raise
        run.warnings.append("interrupted: what follows is partial")
        report = run.report()
        _write(run, report)
        raise Interrupted(Outcome(report=report, folder=run.folder)) from None


def _missing(run: Run) -> str:
    """What a run that was stopped has not come to."""
    if "verdict" in run.elapsed_s:
        return "left out: the rest of the A/A check, and the proof of a fix"
    return "left out: the load under observation, the A/A check and the proof of a fix"


@contextmanager
def run_folder(settings: Settings) -> Generator[tuple[Path, float]]:
    """The folder of a run and when it began; one that has nothing to say leaves no folder."""
    started_s = time.monotonic()
    folder = store.new_run_folder(settings.directory, time.time())
    try:
        yield folder, started_s
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
            if [file.name for file in folder.parent.iterdir()] == [".gitignore"]:
                shutil.rmtree(folder.parent)


def _write(run: Run, report: Report) -> None:
    store.save(run.folder, report, run.recording())
    (run.folder / "report.json").write_text(json_format.render(report), "utf-8")
    (run.folder / "report.html").write_text(html.render(report), "utf-8")
