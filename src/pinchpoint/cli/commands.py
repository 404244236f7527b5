"""The commands: each gathers its settings, calls the pipeline and prints what it returns."""

from __future__ import annotations

import shutil
import webbrowser
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pinchpoint import pipeline
from pinchpoint.cli.options import (
    BUDGET_OPTION,
    EFFORT_OPTIONS,
    JSON_OPTION,
    LOAD_OPTIONS,
    PROVE_OPTION,
    RUN_OPTIONS,
    ProjectCommand,
    options,
    settings_from,
)
from pinchpoint.cli.output import run_and_show, show, typed
from pinchpoint.cli.progress import ConsoleProgress
from pinchpoint.pipeline import reading
from pinchpoint.report import routes as routes_page


@click.command(cls=ProjectCommand)
@click.argument("app", required=False, default="", envvar="PINCHPOINT_APP")
@options(*RUN_OPTIONS, *LOAD_OPTIONS, *EFFORT_OPTIONS, BUDGET_OPTION, PROVE_OPTION, JSON_OPTION)
def check(json_file: Path | None, **values: Any) -> int:
    """Find where APP saturates and why, and prove the best fix.

    APP is module:attribute, module:factory(), a file, a folder or manage.py; left out, it is
    searched for. Only reads are sent: sessions are made read-only and calls to other hosts
    are refused.
    """
    settings = settings_from(values)
    return run_and_show(
        lambda progress: pipeline.check(settings, progress, command=typed()), json_file
    )


@click.command(cls=ProjectCommand)
@options(*LOAD_OPTIONS, *EFFORT_OPTIONS, BUDGET_OPTION, PROVE_OPTION, JSON_OPTION)
def demo(json_file: Path | None, **values: Any) -> int:
    """Check a sick shop on a private PostgreSQL: the whole story, no project needed."""
    settings = settings_from(values)
    return run_and_show(
        lambda progress: pipeline.demo(settings, progress, command=typed()), json_file
    )


@click.command(cls=ProjectCommand)
@click.argument("run")
@click.argument("fixes", nargs=-1)
@options(*RUN_OPTIONS, *EFFORT_OPTIONS, BUDGET_OPTION, JSON_OPTION)
def prove(json_file: Path | None, run: str, fixes: tuple[str, ...], **values: Any) -> int:
    """Try FIXES on the app of an earlier RUN: codes such as DB002, or workers=4.

    RUN is a folder of .pinchpoint/, its name, or 'last'. Without FIXES every finding's fix
    is tried.
    """
    settings = settings_from(values)
    folder = reading.find_run(settings.directory, run)
    return run_and_show(
        lambda progress: pipeline.prove(settings, folder, fixes, progress, command=typed()),
        json_file,
    )


@click.command(cls=ProjectCommand)
@click.argument("app", required=False, default="", envvar="PINCHPOINT_APP")
@click.option("-v", "--all", "is_all", is_flag=True, help="List every route that is skipped.")
@options(*RUN_OPTIONS, JSON_OPTION)
def routes(json_file: Path | None, *, is_all: bool, **values: Any) -> int:
    """Show which routes of APP would get load, with which values, and why others would not."""
    progress = ConsoleProgress(Console(stderr=True))
    try:
        workload, skipped = pipeline.routes(settings_from(values), progress)
    finally:
        progress.close()
    if json_file == Path("-"):
        click.echo(routes_page.as_json(workload, skipped), nl=False)
        return 0
    click.echo(routes_page.as_text(workload, skipped, is_all=is_all))
    if json_file:
        reading.write(routes_page.as_json(workload, skipped), json_file)
    return 0


@click.command()
@click.argument("run", default="last")
@JSON_OPTION
def analyze(run: str, json_file: Path | None) -> int:
    """Apply the present rules to the recording of an earlier RUN."""
    folder = reading.find_run(Path.cwd(), run)
    outcome = pipeline.Outcome(report=reading.analyze(folder), folder=folder)
    return show(outcome, json_file)


@click.command()
@click.argument("code", required=False, default="")
def explain(code: str) -> int:
    """Explain a finding's CODE: what is wrong, how it is seen, what it costs."""
    click.echo(reading.explain(code))
    return 0


@click.command("open")
@click.argument("run", default="last")
def open_report(run: str) -> int:
    """Open the page of a RUN in the browser."""
    page = reading.find_run(Path.cwd(), run) / "report.html"
    Console().print(str(page), markup=False, highlight=False)
    webbrowser.open(page.absolute().as_uri())
    return 0


@click.command()
@click.option("--runs", is_flag=True, help="Also remove the reports of this folder.")
def clean(*, runs: bool) -> int:
    """Remove what runs that were killed have left: processes, folders, clones."""
    for line in reading.clean():
        Console().print(line, markup=False, highlight=False)
    if runs and Path(".pinchpoint").is_dir():
        shutil.rmtree(".pinchpoint")
        Console().print("removed .pinchpoint", highlight=False)
    return 0


COMMANDS = (demo, check, prove, routes, open_report, analyze, explain, clean)
