"""Commands for load from several machines; each of them needs the extra pinchpoint[locust]."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from pinchpoint.cli.attach import OWNER_OPTION
from pinchpoint.cli.options import JSON_OPTION
from pinchpoint.cli.progress import ConsoleProgress
from pinchpoint.errors import UsageError
from pinchpoint.model.workload import Arrivals
from pinchpoint.pipeline import cluster as pipeline

INCONCLUSIVE = 4
PORT = 5557
"""Locust's own, which firewalls may know."""
PORT_OPTION = click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Of the master."
)


@click.group()
def cluster() -> None:
    """Load an app from several machines, for those who outgrow one."""


@cluster.command()
@click.argument("url")
@click.option("--workers", type=click.IntRange(1), required=True, help="How many to wait for.")
@click.option(
    "--rate",
    "rates_rps",
    type=click.FloatRange(0, min_open=True),
    multiple=True,
    required=True,
    help="Requests per second of all workers together; repeatable, one load after the other.",
)
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds of each load.",
)
@click.option("--path", "paths", multiple=True, default=["/"], help="To load; repeatable.")
@click.option(
    "--bind",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Whoever reaches it can join: no address of an open network.",
)
@click.option("--seed", type=int, default=1, help="Of the schedule.")
@PORT_OPTION
@OWNER_OPTION
@JSON_OPTION
def master(  # noqa: PLR0913, PLR0917  # one for each option
    url: str,
    workers: int,
    rates_rps: tuple[float, ...],
    duration_s: float,
    paths: tuple[str, ...],
    bind: str,
    seed: int,
    port: int,
    json_file: Path | None,
    *,
    is_owned: bool,
) -> int:
    """Wait for workers, then let them load URL together.

    The workers share one schedule: each takes every n-th request of it. A worker that is lost
    leaves its share missing, and the load is marked as not valid.
    """
    loads = [
        Arrivals(rate_rps=rate_rps, duration_s=duration_s, seed=seed + number)
        for number, rate_rps in enumerate(rates_rps)
    ]
    progress = ConsoleProgress(Console(stderr=True))
    steps = []
    try:
        for step in pipeline.lead(
            url, paths, loads, progress, workers=workers, bind=bind, port=port, is_owned=is_owned
        ):
            progress.close()
            if json_file != Path("-"):
                click.echo(pipeline.as_text([step]))
            steps.append(step)
    finally:
        progress.close()
    if json_file:
        with click.open_file(str(json_file), "w", encoding="utf-8") as stream:
            stream.write(pipeline.as_json(steps))
    return INCONCLUSIVE if any(step.invalid for step in steps) else 0


@cluster.command()
@click.option("--master", "host", default="127.0.0.1", show_default=True, help="Host of it.")
@PORT_OPTION
@OWNER_OPTION
def worker(host: str, port: int, *, is_owned: bool) -> None:
    """Load what the master says, until it has finished or is gone.

    Without --i-own-this it loads nothing but this machine, whatever the master says.
    """
    if find_spec("locust") is None:
        raise UsageError(
            "a worker needs Locust, which is not installed here",
            "Install it: pip install 'pinchpoint[locust]'.",
        )
    words = ["-m", "pinchpoint.load.cluster.worker", host, str(port)]
    # Locust has to be imported before everything else, hence a fresh interpreter.
    os.execv(sys.executable, [sys.executable, *words, *(["--i-own-this"] if is_owned else [])])  # noqa: S606


COMMANDS = (cluster,)
