"""Options that several commands share, and how they become Settings.

Each value comes from the flag, else PINCHPOINT_<NAME>, else [tool.pinchpoint], else a default.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pinchpoint.cli.capacity import Duration, Slo
from pinchpoint.cli.headers import Header, header_lines
from pinchpoint.errors import UsageError
from pinchpoint.settings import Effort, Settings, check_names, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Command = TypeVar("Command", bound="Callable[..., Any]")

SHORT_BUDGET_S = 120.0
"""A run of normal effort, with its proof, takes longer than this on most machines."""

_SOURCES = {"COMMANDLINE": "flag", "ENVIRONMENT": "environment", "DEFAULT_MAP": "pyproject.toml"}
_PATTERN_HELP = "Shell pattern of routes that get {}, such as '/admin/*'; repeatable."


def _option(name: str, *names: str, **attributes: Any) -> Callable[[Command], Command]:
    variable = "PINCHPOINT_" + name.strip("-").partition("/")[0].replace("-", "_").upper()
    return click.option(name, *names, envvar=variable, show_envvar=False, **attributes)


PATTERN_OPTIONS = (
    _option("--only", multiple=True, help=_PATTERN_HELP.format("load")),
    _option("--skip", multiple=True, help=_PATTERN_HELP.format("none")),
)
START_OPTIONS = (
    _option("--port", type=click.IntRange(0, 65535), default=0, help="Where the app listens."),
    _option(
        "--start-timeout",
        "start_timeout_s",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        help="Seconds that the app may take to import, and to accept.",
    ),
    _option(
        "--allow-host",
        "allow_hosts",
        multiple=True,
        help="A host off this machine that the app may reach; repeatable.",
    ),
)
HEADER_OPTION = _option(
    "--header",
    "headers",
    multiple=True,
    type=Header(),
    help="'Name: value' sent with each request, such as a login's; never written; repeatable.",
)
TRAFFIC_OPTIONS = (
    _option(
        "--traffic",
        "traffic_files",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="An access log, HAR or OpenAPI file: mix, values and their popularity; repeatable."
        " A locustfile is run by Locust.",
    ),
    HEADER_OPTION,
)
RUN_OPTIONS = (
    _option("--server", default="", help="Such as gunicorn or granian; else the usual one."),
    _option("--workers", type=click.IntRange(0), default=0, help="Processes of the server."),
    _option("--threads", type=click.IntRange(0), default=0, help="Threads of each process."),
    _option("--python", default="", help="The app's interpreter or its virtual environment."),
    *START_OPTIONS,
    *PATTERN_OPTIONS,
    *TRAFFIC_OPTIONS,
)
EFFORT_OPTIONS = (
    _option("--quick", is_flag=True, help="About half the time, wider intervals."),
    _option("--thorough", is_flag=True, help="About five times the time, narrower intervals."),
    _option("--seed", type=int, default=1, help="Of the mix, the arrivals and the order."),
)
LOAD_OPTIONS = (
    _option(
        "--slo",
        type=Slo(),
        help="What has to hold, such as 'p99<500ms,errors<1%': up to which rate does it?",
    ),
    _option(
        "--rate",
        "rate_rps",
        type=click.FloatRange(min=0.01),
        help="Hold this many requests/s instead of looking for the capacity.",
    ),
)
BUDGET_OPTION = _option(
    "--budget",
    "budget_s",
    type=Duration(),
    help="End within this time, such as 90s or 2m; below 2m as --quick.",
)
JSON_OPTION = click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the report as JSON; '-' for standard output.",
)
PROVE_OPTION = _option("--prove/--no-prove", "is_proving", default=True, help="Try the best fix.")


def options(*groups: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator for several options, in the order of the help page."""

    def decorate(command: Command) -> Command:
        for option in reversed(groups):
            command = option(command)
        return command

    return decorate


class ProjectCommand(click.Command):
    """A command whose options have their defaults in [tool.pinchpoint]."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the project's table before the arguments.

        Raises:
            UsageError: The table has a setting that does not exist.
        """
        ctx.default_map = _project_table(ctx)
        return super().parse_args(ctx, args)


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Gather the values of a command into Settings, each with its origin."""
    if values.get("quick") and values.get("thorough"):
        raise UsageError("--quick and --thorough exclude each other")
    quick, thorough = values.get("quick"), values.get("thorough")
    is_short = not thorough and 0 < (values.get("budget_s") or 0.0) < SHORT_BUDGET_S
    quick = quick or is_short
    effort = Effort.QUICK if quick else Effort.THOROUGH if thorough else Effort.NORMAL
    known = {field.name for field in fields(Settings)}
    chosen = {name: value for name, value in values.items() if name in known and value is not None}
    context = click.get_current_context()
    origins = {name: _origin(context, name) for name in chosen}
    return Settings(
        **chosen,
        traffic=(context.default_map or {}).get("traffic", {}),
        effort=effort,
        directory=Path.cwd(),
        origins=origins,
    )


def _origin(context: click.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return _SOURCES.get(source.name if source else "", "default")


def _known_settings() -> Mapping[str, object]:
    hidden = {"directory", "app_directory", "environment", "origins", "effort"}
    names = {field.name for field in fields(Settings)} - hidden
    return dict.fromkeys([*names, "quick", "thorough"])


def _project_table(context: click.Context) -> dict[str, Any]:
    table = {key.replace("-", "_"): value for key, value in read_table(Path.cwd()).items()}
    names = {parameter.name: None for parameter in context.command.params if parameter.name}
    known = {**_known_settings(), **names}
    check_names(table, known)
    if "headers" in table:
        table["headers"] = header_lines(table["headers"])
    if files := _traffic_files(table.get("traffic", {})):
        table["traffic_files"] = files
    return table


def _traffic_files(traffic: object) -> list[str]:
    if not isinstance(traffic, dict):
        raise UsageError("[tool.pinchpoint.traffic] must be a table")
    source = traffic.get("source", [])
    files = [source] if isinstance(source, str) else source
    if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
        raise UsageError("[tool.pinchpoint.traffic] source: a file or a list of files is expected")
    return files
