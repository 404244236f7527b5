"""Commands for applications that pinchpoint does not start in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pinchpoint import pipeline
from pinchpoint.cli.options import (
    BUDGET_OPTION,
    EFFORT_OPTIONS,
    HEADER_OPTION,
    JSON_OPTION,
    LOAD_OPTIONS,
    PATTERN_OPTIONS,
    START_OPTIONS,
    TRAFFIC_OPTIONS,
    ProjectCommand,
    options,
    settings_from,
)
from pinchpoint.cli.output import run_and_show, typed

if TYPE_CHECKING:
    from pathlib import Path

PATH_OPTION = click.option(
    "--path",
    "paths",
    multiple=True,
    help="A path to load, such as /books/17; repeatable. If left out: / and what it links to,"
    " and an OpenAPI description.",
)
OWNER_OPTION = click.option(
    "--i-own-this",
    "is_owned",
    is_flag=True,
    help="The host is not this machine, and I may load it.",
)


@click.command(cls=ProjectCommand)
@click.argument("url")
@options(
    PATH_OPTION,
    OWNER_OPTION,
    HEADER_OPTION,
    *PATTERN_OPTIONS,
    *LOAD_OPTIONS,
    *EFFORT_OPTIONS,
    JSON_OPTION,
)
def attach(url: str, json_file: Path | None, *, is_owned: bool, **values: Any) -> int:
    """Load an app that runs at URL already: capacity and response times, no causes.

    Only GETs are sent, but nothing keeps the app from writing when it answers them. To see
    causes, start the app with the probe inside: pinchpoint check, or pinchpoint run.
    """
    settings = settings_from(values)
    return run_and_show(
        lambda progress: pipeline.attach(
            settings, url, progress, is_owned=is_owned, command=typed()
        ),
        json_file,
    )


@click.command(cls=ProjectCommand, context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
@options(
    *START_OPTIONS,
    *PATTERN_OPTIONS,
    *TRAFFIC_OPTIONS,
    *LOAD_OPTIONS,
    *EFFORT_OPTIONS,
    BUDGET_OPTION,
    JSON_OPTION,
)
def run(words: tuple[str, ...], json_file: Path | None, **values: Any) -> int:
    """Start your own server COMMAND with the probe inside, and find its wall and causes.

    For servers with settings of their own: pinchpoint run -- gunicorn -c conf.py shop:app. The
    port is found by itself. Fixes are not tried, as pinchpoint does not know how to start the
    changed app beside yours; 'pinchpoint check' does.
    """
    settings = settings_from(values)
    return run_and_show(
        lambda progress: pipeline.run_command(settings, words, progress, command=typed()),
        json_file,
    )


COMMANDS = (attach, run)
