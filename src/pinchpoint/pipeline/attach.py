"""Applications that others have started, and those that the user's own command starts."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint.attribute import most_at_once
from pinchpoint.launch.command import launch_command, why_no_probe, words_of
from pinchpoint.launch.elsewhere import locate
from pinchpoint.launch.guardian import guard
from pinchpoint.model.app import Interface
from pinchpoint.pipeline.breakers import arm
from pinchpoint.pipeline.climb import climb
from pinchpoint.pipeline.measure import check_itself, pin, walk
from pinchpoint.pipeline.outside import Outside, measure_outside
from pinchpoint.pipeline.run import Run
from pinchpoint.pipeline.stand import engine_starter, observed
from pinchpoint.pipeline.traffic import warnings_of
from pinchpoint.pipeline.writing import finish, run_folder, written_even_if_interrupted

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.target import Engine
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.pipeline.stand import Stand
    from pinchpoint.pipeline.writing import Outcome
    from pinchpoint.settings import Settings

CROWD = 64
"""Requests in flight while the slots are counted: above the threads of the usual servers (40 of
Starlette's, 4 of waitress)."""
CROWD_S = 2.0
LET_IN_RATIO = 0.8
"""Of the crowd: the rest may be on its way at any one moment."""
NOT_TRIED = (
    "no fix was tried: both arms would need the port of your command; 'pinchpoint check' chooses"
    " the ports itself"
)


def attach(
    settings: Settings, url: str, progress: Progress, *, is_owned: bool, command: str
) -> Outcome:
    """Load an application that runs already, and report what can be seen from outside.

    Args:
        settings: What the user wants.
        url: Where it is.
        progress: Shows where it is.
        is_owned: The user owns a host that is not this machine.
        command: What the user typed, for the report.

    Raises:
        PinchpointError: With the exit status that says what stood in the way.
        Interrupted: Ctrl-C, after something was measured.
    """
    progress.stage("attach", url)
    running = locate(url, is_owned=is_owned)
    with run_folder(settings) as (folder, started_s), guard() as guardian:
        one = Outside(running=running, start=engine_starter(guardian))
        run = Run(
            folder=folder,
            command=command,
            app=running.app,
            deployment=running.deployment,
            started_s=started_s,
            is_outside=True,
        )
        run.reached("up")
        progress.done(f"{running.app.target} accepts connections")
        with written_even_if_interrupted(run):
            measure_outside(run, one, settings, progress)
        return finish(run)


def run_command(
    settings: Settings, words: Sequence[str], progress: Progress, *, command: str
) -> Outcome:
    """Start the user's own server command with the probe inside, and find its wall and causes.

    Where the probe does not get in, the run goes on as a view from outside.

    Args:
        settings: What the user wants; what describes the server is left to the command.
        words: The command.
        progress: Shows where it is.
        command: What the user typed, for the report.

    Raises:
        PinchpointError: With the exit status that says what stood in the way.
        Interrupted: Ctrl-C, after something was measured.
    """
    words = words_of(words)
    progress.stage("launch", shlex.join(words))
    with (
        run_folder(settings) as (folder, started_s),
        guard() as guardian,
        _stand(guardian, words, settings) as one,
    ):
        run = Run(
            folder=folder,
            command=command,
            app=one.running.app,
            deployment=one.running.deployment,
            started_s=started_s,
            is_outside=isinstance(one, Outside),
        )
        run.reached("up")
        progress.done(f"port {one.running.port} of {run.app.target}")
        with written_even_if_interrupted(run):
            if isinstance(one, Outside):
                run.warnings.append(why_no_probe(one.running.pid))
                measure_outside(run, one, settings, progress)
            else:
                _measure_inside(run, one, settings, progress)
        return finish(run)


@contextmanager
def _stand(
    guardian: Guardian, words: Sequence[str], settings: Settings
) -> Generator[Stand | Outside]:
    with launch_command(
        guardian,
        words,
        settings.directory,
        port=settings.port,
        timeout_s=settings.start_timeout_s,
        allowed_hosts=settings.allow_hosts,
    ) as (running, probe, child):
        if probe is None:
            yield Outside(running=running, start=engine_starter(guardian))
        else:
            with observed(guardian, running, probe, child, settings) as one:
                yield one


def _measure_inside(run: Run, one: Stand, settings: Settings, progress: Progress) -> None:
    walk(run, one, settings, progress)
    engine = one.engine(run.workload)
    try:
        count_slots(run, one, engine, progress)
        arm(run, one, engine, settings)
        climb(run, one, engine, settings, progress)
        pin(run, one, engine, settings, progress)
        run.reached("verdict")
        check_itself(run, one, engine, settings, progress)
        run.warnings += warnings_of(engine)
    finally:
        engine.close()
    run.warnings.append(NOT_TRIED)


def count_slots(run: Run, one: Stand, engine: Engine, progress: Progress) -> None:
    """Count workers and threads of a server that nobody has described, by crowding it."""
    progress.stage("climb", "counting workers and threads")
    with one.observer.recording():
        for _ in engine.closed(CROWD, CROWD_S, "crowd"):
            pass
    most = most_at_once(engine.steps.pop().traces)
    if not most:
        return
    has_thread_each = bool(run.probe.development_server)
    threads = 0 if has_thread_each else _threads(most, run.app.interface)
    run.deployment = replace(run.deployment, workers=len(most), threads=threads)


def _threads(most: Mapping[int, int], interface: Interface) -> int:
    """Threads of each process; 0 if the whole crowd was let in, as each request has its own."""
    if interface is not Interface.WSGI:
        return 1
    return 0 if sum(most.values()) >= LET_IN_RATIO * CROWD else max(most.values())
