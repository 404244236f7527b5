"""The application's own route table, read inside its process by the probe.

Tells which routes there are, which parameters they take, and examples where the application
declares some. Knows nothing of how often each is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinchpoint.errors import LaunchError
from pinchpoint.model.running import Running
from pinchpoint.model.traffic import Traffic
from pinchpoint.model.workload import Parameter, Route

if TYPE_CHECKING:
    from collections.abc import Mapping


def recognises(source: object) -> bool:
    """Whether it is a started application."""
    return isinstance(source, Running)


def read_traffic(running: Running) -> Traffic:
    """Ask the probe for the application's route table.

    Raises:
        LaunchError: The probe cannot read it.
    """
    answer = running.ask("routes", {})
    if "error" in answer:
        raise LaunchError(
            f"the route table of {running.app.target} cannot be read: {answer['error']}",
            "This is a bug of pinchpoint, or a version of the framework that it does not know.",
        )
    routes = tuple(_route(item) for item in answer.get("routes", ()))
    return Traffic(source="the route table", routes=routes)


def _route(item: Mapping[str, Any]) -> Route:
    return Route(
        method=str(item["method"]),
        path=str(item["path"]),
        handler=str(item.get("handler", "")),
        needs_login=bool(item.get("needs_login", False)),
        parameters=tuple(_parameter(found) for found in item.get("parameters", ())),
    )


def _parameter(found: Mapping[str, Any]) -> Parameter:
    example = str(found.get("example", "") or "")
    return Parameter(
        name=str(found["name"]),
        kind=str(found.get("kind", "str")),
        location=str(found.get("location", "path")),
        is_required=bool(found.get("is_required", True)),
        examples=(example,) if example else (),
    )
