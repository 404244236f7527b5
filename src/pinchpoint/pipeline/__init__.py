"""launch -> walk -> load -> observe -> attribute -> diagnose -> prove -> report.

The story of a run, top to bottom. Only this package knows two stages.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.launch import choose_deployment, discover
from pinchpoint.launch.guardian import guard
from pinchpoint.pipeline.attach import attach, run_command
from pinchpoint.pipeline.breakers import NULL_S, PROOF_S, arm, has_time
from pinchpoint.pipeline.climb import climb
from pinchpoint.pipeline.demonstration import is_demo, prepare
from pinchpoint.pipeline.measure import check_itself, pin, walk
from pinchpoint.pipeline.run import Run
from pinchpoint.pipeline.stand import stand
from pinchpoint.pipeline.traffic import warnings_of
from pinchpoint.pipeline.trials import opened, prove_best, prove_each
from pinchpoint.pipeline.writing import (
    Interrupted,
    Outcome,
    finish,
    run_folder,
    written_even_if_interrupted,
)
from pinchpoint.report import store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.app import App, Deployment
    from pinchpoint.model.workload import SkippedRoute, Workload
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.settings import Settings


def check(settings: Settings, progress: Progress, *, command: str) -> Outcome:
    """Find where an application saturates, why, and prove the best fix.

    Args:
        settings: What the user wants.
        progress: Shows where it is.
        command: What the user typed, for the report.

    Raises:
        PinchpointError: With the exit status that says what stood in the way.
        Interrupted: Ctrl-C, after something was measured.
    """
    with run_folder(settings) as (folder, started_s), guard() as guardian:
        return _check(guardian, settings, progress, folder, started_s, command)


def demo(settings: Settings, progress: Progress, *, command: str) -> Outcome:
    """Check the sick shop, on a private PostgreSQL with a partner's stub beside it."""
    with run_folder(settings) as (folder, started_s), guard() as guardian:
        settings = prepare(guardian, settings, progress)
        return _check(guardian, settings, progress, folder, started_s, command)


def prove(
    settings: Settings, earlier: Path, fixes: Sequence[str], progress: Progress, *, command: str
) -> Outcome:
    """Try more fixes on the application of an earlier run, one after the other.

    Args:
        settings: As for `check`; the application is the earlier run's.
        earlier: Folder of the earlier run.
        fixes: Codes of findings (`DB002`) or free-form changes (`workers=4`); empty for the
            fix of every finding.
        progress: Shows where it is.
        command: What the user typed, for the report.
    """
    report, recording = store.load_report(earlier), store.load_recording(earlier)
    if recording.is_outside or recording.app.command:
        raise UsageError(
            f"{recording.app.target} was not started by 'pinchpoint check', so that no changed"
            " arm of it can be started",
            "Check it by its name, such as main:app, and prove the fixes of that run.",
        )
    with run_folder(settings) as (folder, started_s), guard() as guardian:
        if is_demo(recording.app):
            settings = prepare(guardian, settings, progress)
            app = replace(recording.app, environment=settings.environment)
            recording = replace(recording, app=app)
        run = Run.resume(folder, recording, report, command=command, started_s=started_s)
        with written_even_if_interrupted(run):
            progress.stage("launch", run.app.target)
            with stand(guardian, run.app, run.deployment, settings) as one:
                progress.done(f"{run.app.target} under {run.deployment.server}")
                databases = opened(one, run.workload)
            prove_each(run, guardian, settings, progress, databases, fixes)
        return finish(run)


def routes(settings: Settings, progress: Progress) -> tuple[Workload, tuple[SkippedRoute, ...]]:
    """What would get load, and what would not; nothing is written.

    Raises:
        NoTrafficError: No route would.
    """
    with guard() as guardian:
        app, deployment = _find(settings, progress)
        run = Run(
            folder=guardian.folder,
            command="routes",
            app=app,
            deployment=deployment,
            started_s=time.monotonic(),
        )
        with stand(guardian, app, deployment, settings) as one:
            walk(run, one, settings, progress)
        return run.workload, run.skipped


def _check(  # noqa: PLR0913, PLR0917  # what `check` and `demo` share
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    folder: Path,
    started_s: float,
    command: str,
) -> Outcome:
    app, deployment = _find(settings, progress)
    run = Run(folder=folder, command=command, app=app, deployment=deployment, started_s=started_s)
    with written_even_if_interrupted(run):
        with stand(guardian, app, deployment, settings) as one:
            run.reached("up")
            progress.done(f"{app.target} under {deployment.server} x{deployment.workers}")
            walk(run, one, settings, progress)
            with closing(one.engine(run.workload)) as engine:
                arm(run, one, engine, settings)
                climb(run, one, engine, settings, progress)
                pin(run, one, engine, settings, progress)
                run.reached("verdict")
                if has_time(run, settings, NULL_S, "the A/A check"):
                    check_itself(run, one, engine, settings, progress)
                run.warnings += warnings_of(engine)
            databases = opened(one, run.workload)
        if settings.is_proving and has_time(run, settings, PROOF_S, "the proof of a fix"):
            prove_best(run, guardian, settings, progress, databases)
    return finish(run)


def _find(settings: Settings, progress: Progress) -> tuple[App, Deployment]:
    directory = settings.app_directory or settings.directory
    progress.stage("launch", settings.app or str(directory))
    app = discover(
        settings.app,
        directory,
        python=settings.python,
        variables=settings.environment,
        timeout_s=settings.start_timeout_s,
    )
    progress.done(f"{app.target} {app.found_by}, {app.python}")
    progress.stage("launch", f"starting {app.target}")
    return app, choose_deployment(app, settings.server, settings.workers, settings.threads)


__all__ = ["Interrupted", "Outcome", "attach", "check", "demo", "prove", "routes", "run_command"]
