"""launch -> walk -> load -> observe -> attribute -> diagnose -> prove -> report.

The story of a run, top to bottom. Only this package knows two stages.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint import demo as demonstration
from pinchpoint.errors import PinchpointError
from pinchpoint.launch import choose_deployment, discover
from pinchpoint.launch.guardian import guard
from pinchpoint.launch.services import postgresql
from pinchpoint.model.report import Report
from pinchpoint.pipeline.measure import check_itself, climb, pin, walk
from pinchpoint.pipeline.run import Run
from pinchpoint.pipeline.stand import stand
from pinchpoint.pipeline.trials import Connections, prove_best, prove_each
from pinchpoint.report import store
from pinchpoint.report.formats import html
from pinchpoint.report.formats import json as json_format

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished run.

    Attributes:
        report: What it says.
        folder: Where report and recording are.
        is_complete: False if it was interrupted.
    """

    report: Report
    folder: Path
    is_complete: bool = True


class Interrupted(KeyboardInterrupt):
    """The user stopped a run that had something to say.

    Attributes:
        outcome: The partial report, already written.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def check(settings: Settings, progress: Progress, *, command: str = "check") -> Outcome:
    """Find where an application saturates, why, and prove the best fix.

    Raises:
        PinchpointError: With the exit status that says what stood in the way.
        Interrupted: Ctrl-C, after something was measured.
    """
    folder = store.new_run_folder(settings.directory, time.time())
    with _removed_if_empty(folder), guard() as guardian:
        return _check(guardian, settings, progress, folder, command)


def demo(settings: Settings, progress: Progress) -> Outcome:
    """Check the sick shop, on a private PostgreSQL with a partner's stub beside it."""
    folder = store.new_run_folder(settings.directory, time.time())
    with _removed_if_empty(folder), guard() as guardian:
        progress.stage("services", "a private PostgreSQL with 200,000 orders")
        database = postgresql.start(guardian)
        settings = demonstration.prepare(guardian, settings, database.url)
        progress.done(f"PostgreSQL {database.version}, a rates service that answers slowly")
        return _check(guardian, settings, progress, folder, "demo")


def prove(
    settings: Settings, run_folder: Path, fixes: Sequence[str], progress: Progress
) -> Outcome:
    """Try more fixes on the application of an earlier run, one after the other.

    Args:
        settings: As for `check`; the application is the earlier run's.
        run_folder: Of the earlier run.
        fixes: Codes of findings (`DB002`) or free-form changes (`workers=4`); empty for the
            fix of every finding.
        progress: Shows where it is.
    """
    earlier = store.load_report(run_folder)
    recording = store.load_recording(run_folder)
    folder = store.new_run_folder(settings.directory, time.time())
    with _removed_if_empty(folder), guard() as guardian:
        run = Run.resume(folder, recording, earlier, command=f"prove {run_folder.name}")
        with _written_even_if_interrupted(run):
            with stand(guardian, run.app, run.deployment, settings) as one:
                connections = Connections.of(one, run.workload)
            prove_each(run, guardian, settings, progress, connections, fixes)
        return _finish(run)


def _check(
    guardian: Guardian, settings: Settings, progress: Progress, folder: Path, command: str
) -> Outcome:
    progress.stage("launch", settings.app or str(settings.directory))
    app = discover(settings.app, settings.directory, python=settings.python)
    deployment = choose_deployment(
        app, settings.server, settings.workers, settings.threads, settings.environment
    )
    run = Run(folder=folder, command=command, app=app, deployment=deployment)
    with _written_even_if_interrupted(run):
        with stand(guardian, app, deployment, settings) as one:
            run.reached("up")
            progress.done(f"{app.target} under {deployment.server}, {app.found_by}")
            walk(run, one, settings, progress)
            engine = one.engine(run.workload)
            climb(run, one, engine, settings, progress)
            pin(run, one, engine, settings, progress)
            run.reached("verdict")
            check_itself(run, one, engine, settings, progress)
            connections = Connections.of(one, run.workload)
            engine.close()
        if settings.is_proving:
            prove_best(run, guardian, settings, progress, connections)
    return _finish(run)


def _finish(run: Run) -> Outcome:
    run.reached("report")
    report = run.report()
    _write(run, report)
    return Outcome(report=report, folder=run.folder)


def _write(run: Run, report: Report) -> None:
    store.save(run.folder, report, run.recording())
    (run.folder / "report.json").write_text(json_format.render(report), "utf-8")
    (run.folder / "report.html").write_text(html.render(report), "utf-8")


@contextmanager
def _written_even_if_interrupted(run: Run) -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if not run.steps:
            raise
        run.warnings.append("interrupted: what follows is partial")
        report = run.report()
        _write(run, report)
        raise Interrupted(Outcome(report=report, folder=run.folder, is_complete=False)) from None


@contextmanager
def _removed_if_empty(folder: Path) -> Generator[None]:
    """A run that ends before it has written anything leaves no folder."""
    try:
        yield
    finally:
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


__all__ = ["Interrupted", "Outcome", "PinchpointError", "check", "demo", "prove"]
