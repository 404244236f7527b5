"""Starlette's and FastAPI's routes, with those of mounted applications and included routers."""

import sys

from pinchpoint_probe import routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_KINDS = {
    "StringConvertor": "str",
    "IntegerConvertor": "int",
    "FloatConvertor": "float",
    "UUIDConvertor": "uuid",
    "PathConvertor": "path",
}


def read(table: "Iterable[Any]", prefix: str = "") -> "list[dict[str, Any]]":
    """List routes but those of static files, web sockets and FastAPI's own documentation."""
    return [entry for route in _flat(table) for entry in _entries(route, prefix)]


def _flat(table: "Iterable[Any]") -> "Iterable[Any]":
    """Included routers, which newer versions of FastAPI resolve only when they are asked."""
    fastapi = sys.modules.get("fastapi.routing")
    iterate: Callable[[Any], Iterable[Any]] = getattr(fastapi, "iter_route_contexts", iter)
    return iterate(table)


def _entries(route: "Any", prefix: str) -> "Iterator[dict[str, Any]]":
    inner = getattr(route, "routes", None)
    if inner is not None:
        yield from read(inner, prefix + getattr(route, "path", ""))
        return
    endpoint = getattr(route, "endpoint", None)
    methods = getattr(route, "methods", None)
    if endpoint is None or (methods is None and not isinstance(endpoint, type)):
        return
    if getattr(endpoint, "__module__", "") == "fastapi.applications":
        return
    for method in sorted(set(methods or _own_methods(endpoint)) - {"HEAD", "OPTIONS"}):
        yield {
            "method": method,
            "path": prefix + route.path_format,
            "handler": routes.handler_name(endpoint),
            **_details(route),
        }


def _own_methods(endpoint: type) -> "list[str]":
    """Of an `HTTPEndpoint`, which answers what it has methods for."""
    return [
        name.upper()
        for name in ("get", "post", "put", "patch", "delete")
        if hasattr(endpoint, name)
    ]


def _details(route: "Any") -> "dict[str, Any]":
    kinds = {
        name: _KINDS.get(type(convertor).__name__, "str")
        for name, convertor in route.param_convertors.items()
    }
    dependant = getattr(route, "dependant", None)
    if dependant is not None:
        from pinchpoint_probe.routes import fastapi

        return fastapi.details(dependant, kinds)
    parameters = [routes.parameter(name, kind) for name, kind in kinds.items()]
    return {"needs_login": _requires_login(route.endpoint), "parameters": parameters}


def _requires_login(endpoint: "Any") -> bool:
    """Whether it is wrapped by `starlette.authentication.requires`."""
    return any(
        routes.is_from(function, "starlette.authentication")
        or routes.is_named_login_required(function)
        for function in routes.decorators(endpoint)
    )
