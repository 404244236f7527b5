"""Gather what is known of an application's traffic: its routes, and what the user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.walk import combine, document_of, read_own_description, read_traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.model.running import Running
    from pinchpoint.model.workload import RouteTable
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
    given = [read_traffic(document_of(file)) for file in settings.traffic_files]
    if settings.traffic:
        given.append(read_traffic(settings.traffic))
    table = read_traffic(running)
    if not any(one.routes for one in given):
        given += read_own_description(table.routes, visit)
    return combine([table, *given])
