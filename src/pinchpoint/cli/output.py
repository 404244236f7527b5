"""What the commands have in common: run with progress, print the verdict, choose the status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from pinchpoint import pipeline
from pinchpoint.cli.headers import without_values
from pinchpoint.cli.progress import ConsoleProgress
from pinchpoint.pipeline import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.pipeline import Outcome

INTERRUPTED = 130
WIDTH = 100
"""Where the output is no terminal."""


def typed() -> str:
    """The command line, for the report; without the values of headers."""
    return " ".join(["pinchpoint", *without_values(sys.argv[1:])])


def run_and_show(act: Callable[[ConsoleProgress], Outcome], json_file: Path | None) -> int:
    """Run a part of the pipeline, print what it says and return the exit status."""
    progress = ConsoleProgress(Console(stderr=json_file == Path("-")))
    try:
        return show(act(progress), json_file)
    except pipeline.Interrupted as stopped:
        progress.close()
        show(stopped.outcome, json_file)
        return INTERRUPTED
    finally:
        progress.close()


def show(outcome: Outcome, json_file: Path | None) -> int:
    """Print a verdict, write its JSON if asked for, and return the exit status."""
    if json_file == Path("-"):
        click.echo(reading.as_json(outcome.report))
    else:
        console = Console()
        width = console.width if console.is_terminal else WIDTH
        text = reading.as_text(
            outcome.report,
            outcome.folder,
            is_colored=console.is_terminal and not console.no_color,
            width=width,
        )
        click.echo(text, color=console.is_terminal)
        if json_file:
            reading.write_json(outcome.report, json_file)
    return reading.exit_status(outcome.report)
