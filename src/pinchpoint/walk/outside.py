"""What can be known of an application's routes from outside: links, OpenAPI, what the user says."""

from __future__ import annotations

import json
import mimetypes
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.model.workload import Parameter, Route, RouteTable, SkippedRoute
from pinchpoint.walk import values
from pinchpoint.walk.refusal import is_redirect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pinchpoint.model.running import Running
    from pinchpoint.walk.client import Visit

FRONT = "/"
DESCRIPTION = "/openapi.json"
"""Where FastAPI and most others put it."""
MOST_LINKED = 30
"""Routes taken from the links of one page: each costs a share of the mix."""
CHANGING = re.compile(
    r"(?<![a-z])(log[-_]?out|sign[-_]?out|delete|remove|destroy|cancel|unsubscribe|reset|confirm"
    r"|approve|publish|buy|order[-_]?now|checkout|pay)(?![a-z])",
    re.IGNORECASE,
)
"""Words in a link that may change something, although it is a GET."""
MAY_CHANGE = "may change something, by its name; --path loads it"

_KEY = re.compile(r"\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KINDS = {"integer": "int", "number": "float", "boolean": "bool"}


def read_from_outside(
    running: Running, visit: Callable[[str, str], Visit], paths: Iterable[str]
) -> tuple[RouteTable, tuple[SkippedRoute, ...]]:
    """Find GET routes by asking the application itself, and those that may change something.

    Args:
        running: Where it is.
        visit: Sends one GET: `visit(endpoint, path)`.
        paths: What the user wants to be loaded; if any, nothing else is looked for.

    Raises:
        LaunchError: No HTTP server answers.
        UsageError: It sends its visitors to another place.
    """
    asked = [_asked(path) for path in paths]
    first = asked[0] if asked else FRONT
    page = visit(f"GET {first}", first)
    _check_answer(running, page)
    if asked:
        routes = [Route(method="GET", path=path) for path in dict.fromkeys(asked)]
    else:
        described = visit(f"GET {DESCRIPTION}", DESCRIPTION)
        routes = [*_described(described), *_linked(page)]
        if page.sample.status != 404:
            routes.insert(0, Route(method="GET", path=FRONT))
    unique = {route.endpoint: route for route in reversed(routes)}
    known = list(reversed(unique.values()))
    kept = tuple(route for route in known if asked or not CHANGING.search(route.path))
    skipped = tuple(
        SkippedRoute(endpoint=route.endpoint, reason=MAY_CHANGE)
        for route in known
        if route not in kept
    )
    return RouteTable(routes=kept), skipped


def _asked(path: str) -> str:
    if path.startswith(("http://", "https://")):
        raise UsageError(
            f"--path {path}: that is a whole URL", "Give the path alone, such as /books?page=2."
        )
    return "/" + path.lstrip("/")


def _check_answer(running: Running, page: Visit) -> None:
    if page.sample.error:
        raise LaunchError(
            f"no answer of an HTTP server at {running.base_url} ({page.sample.error})",
            "Is it another kind of server, or one that speaks "
            f"{'http' if running.scheme == 'https' else 'https'} only?",
        )
    place = urlsplit(page.headers.get("location", ""))
    if not is_redirect(page) or not place.netloc:
        return
    asked = urlsplit(running.base_url)
    if (place.scheme or asked.scheme, place.hostname, _port(place)) != (
        asked.scheme,
        asked.hostname,
        _port(asked),
    ):
        there = f"{place.scheme or asked.scheme}://{place.netloc}"
        raise UsageError(
            f"{running.base_url} sends its visitors to {there}",
            f"Load that one: pinchpoint attach {there}, if it is yours.",
        )


def _port(place: Any) -> int:
    return int(place.port or (443 if place.scheme == "https" else 80))


def _linked(page: Visit) -> Iterator[Route]:
    """One route for all links that differ in their keys alone."""
    if "html" not in page.headers.get("content-type", ""):
        return
    found = dict.fromkeys(map(_template, values.links(page.body, page.path)))
    wanted = [path for path in found if not _is_file(path)]
    for path in wanted[:MOST_LINKED]:
        names = re.findall(r"\{(\w+)\}", path)
        yield Route(
            method="GET",
            path=path,
            parameters=tuple(Parameter(name=name) for name in names),
        )


def _template(link: str) -> str:
    """`/books/17/pages/3?from=list` becomes `/books/{id}/pages/{id2}`."""
    parts = link.partition("?")[0].split("/")
    number = 0
    for index, part in enumerate(parts):
        if _KEY.fullmatch(part):
            number += 1
            parts[index] = "{id}" if number == 1 else f"{{id{number}}}"
    return "/".join(parts)


def _is_file(path: str) -> bool:
    """A picture, a style sheet: not what an application is slow at."""
    kind, _ = mimetypes.guess_type(path)
    return kind is not None and kind != "text/html"


def _described(page: Visit) -> Iterator[Route]:
    """The GET operations of an OpenAPI description; none if it is not one."""
    try:
        paths = json.loads(page.body)["paths"] if page.sample.status == 200 else {}
        items = [(path, item["get"]) for path, item in paths.items() if "get" in item]
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    for path, operation in items:
        given = operation.get("parameters", []) if isinstance(operation, dict) else []
        yield Route(
            method="GET",
            path=str(path),
            parameters=tuple(_parameter(one) for one in given if _is_parameter(one)),
            needs_login=bool(isinstance(operation, dict) and operation.get("security")),
        )


def _is_parameter(described: object) -> bool:
    return isinstance(described, dict) and described.get("in") in {"path", "query"}


def _parameter(described: Mapping[str, Any]) -> Parameter:
    schema = described.get("schema")
    schema = schema if isinstance(schema, dict) else described
    kind = "uuid" if schema.get("format") == "uuid" else _KINDS.get(str(schema.get("type")), "str")
    example = described.get("example", schema.get("example", schema.get("default", "")))
    return Parameter(
        name=str(described.get("name", "")),
        kind=kind,
        location=str(described["in"]),
        is_required=bool(described.get("required", False)),
        examples=(str(example),) if example and isinstance(example, str | int | float) else (),
    )
