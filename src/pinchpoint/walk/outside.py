"""What can be known of an application's routes from outside: links, OpenAPI, what the user says."""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.model.workload import Parameter, Route, RouteTable, SkippedRoute
from pinchpoint.walk import values
from pinchpoint.walk.document import document_in
from pinchpoint.walk.knowledge import read_traffic
from pinchpoint.walk.refusal import is_redirect, may_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from urllib.parse import SplitResult

    from pinchpoint.model.running import Running
    from pinchpoint.walk.client import Visit

FRONT = "/"
DESCRIPTION = "/openapi.json"
"""Where FastAPI and most others put it."""
MOST_LINKED = 30
"""Routes taken from the links of one page: each costs a share of the mix."""
MAY_CHANGE = "may change something, by its name; --path loads it"

_KEY = re.compile(r"\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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
        if page.sample.status != 404 or not routes:
            routes.insert(0, Route(method="GET", path=FRONT))
    unique = {route.endpoint: route for route in reversed(routes)}
    known = list(reversed(unique.values()))
    kept = tuple(route for route in known if asked or not may_change(route.path))
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


def _port(place: SplitResult) -> int:
    return int(place.port or (443 if place.scheme == "https" else 80))


def _linked(page: Visit) -> Iterator[Route]:
    """One route for all links that differ in their keys alone."""
    if "html" not in page.headers.get("content-type", ""):
        return
    links = values.links(page.body, page.path)
    paths = [
        path for path, _, query in (link.partition("?") for link in links) if not may_change(query)
    ]
    found = dict.fromkeys(_route_of(path) for path in paths if not _is_file(path))
    yield from list(found)[:MOST_LINKED]


def _route_of(path: str) -> Route:
    """`/books/17/pages/3` becomes `/books/{id}/pages/{id2}`."""
    parts = path.split("/")
    parameters: list[Parameter] = []
    for index, part in enumerate(parts):
        if _KEY.fullmatch(part):
            name = f"id{len(parameters) + 1}" if parameters else "id"
            parameters.append(Parameter(name=name, kind="int" if part.isdigit() else "uuid"))
            parts[index] = f"{{{name}}}"
    return Route(method="GET", path="/".join(parts), parameters=tuple(parameters))


def _is_file(path: str) -> bool:
    """A picture, a style sheet: not what an application is slow at."""
    kind, _ = mimetypes.guess_type(path)
    return kind is not None and kind != "text/html"


def _described(page: Visit) -> tuple[Route, ...]:
    """The routes of an OpenAPI description; none if it is not one."""
    if page.sample.status != 200:
        return ()
    try:
        return read_traffic(document_in(DESCRIPTION, page.body)).routes
    except UsageError:
        return ()
