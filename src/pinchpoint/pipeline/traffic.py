"""Gather what is known of an application's traffic: its routes, and what the user gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint.load.engines.locust import ASSUMPTION, LocustUsers, is_locustfile
from pinchpoint.walk import combine, document_of, read_own_description, read_traffic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinchpoint.model.running import Running
    from pinchpoint.model.target import Engine
    from pinchpoint.model.workload import RouteTable, Workload
    from pinchpoint.settings import Settings
    from pinchpoint.walk import Knowledge, Visit


def gather(
    running: Running, visit: Callable[[str, str], Visit], settings: Settings
) -> tuple[RouteTable, Knowledge]:
    """Read the route table, the project's table, the user's files, and the app's own description.

    Args:
        running: The application.
        visit: Sends one GET: `visit(endpoint, path)`.
        settings: What the user gives.

    Raises:
        UsageError: A file or the table is wrong.
        LaunchError: The route table cannot be read.
    """
    files = [file for file in settings.traffic_files if not is_locustfile(file)]
    given = [read_traffic(document_of(file)) for file in files]
    if settings.traffic:
        given.append(read_traffic(settings.traffic))
    table = read_traffic(running)
    if not any(one.routes for one in given):
        given += read_own_description(table.routes, visit)
    return combine([table, *given])


def locustfile_of(settings: Settings) -> Path | None:
    """The locustfile among the files of traffic, if there is one."""
    return next((file for file in settings.traffic_files if is_locustfile(file)), None)


def assumed(workload: Workload, locustfile: Path | None) -> Workload:
    """A workload that says what is assumed of its traffic: nothing where users are run."""
    if locustfile is None:
        return workload
    return replace(workload, assumptions=(ASSUMPTION.format(name=locustfile.name),))


def warnings_of(engine: Engine) -> tuple[str, ...]:
    """What went wrong in the user's own code."""
    return engine.warnings if isinstance(engine, LocustUsers) else ()
