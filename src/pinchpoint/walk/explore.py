"""Try each read route alone, a few times: what answers, what writes, what its values are."""

from __future__ import annotations

import fnmatch
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pinchpoint.errors import LaunchError
from pinchpoint.model.running import Running
from pinchpoint.model.span import Category
from pinchpoint.model.workload import (
    Parameter,
    RequestTemplate,
    Route,
    RouteTable,
    SkippedRoute,
    Workload,
)
from pinchpoint.walk import sql, values
from pinchpoint.walk.client import Visit
from pinchpoint.walk.refusal import is_redirect, is_unresolved, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


VISITS = 3
"""Of each route that answers: the first is often cold, so one alone would mislead."""
MOST_ATTEMPTS = 3
"""Values tried for a route before it is given up."""
BUDGET_S = 20.0
"""After this the rest of the routes is listed as not tried."""
SLOW_S = 1.0
"""A route that takes this long alone is visited once: two more would only cost budget."""
FEWEST_DETOURS = 5
"""Routes that redirect to one place: fewer may do so for reasons of their own."""
MOST_CHECKED = 20
"""Links to a route that would match any path, tried one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which routes the user wants, as shell patterns on `GET /path`, or on the path alone."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def refuses(self, route: Route) -> str:
        """Why a route is left out; empty if it is not."""
        names = (route.path, route.endpoint)
        if self.only and not _matches_any(names, self.only):
            return "not in --only"
        return "in --skip" if _matches_any(names, self.skip) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What the walk found.

    Attributes:
        workload: The routes that answer, each with concrete paths, all with equal weight.
        visits: Every request that was tried on a route that answers.
        skipped: The others, and why.
    """

    workload: Workload
    visits: tuple[Visit, ...]
    skipped: tuple[SkippedRoute, ...]


@dataclass(slots=True)
class _Walk:
    """What is known so far; lives for one `explore`."""

    running: Running
    table: RouteTable
    visit: Callable[[str, str], Visit]
    on_route: Callable[[str], None]
    deadline: float
    harvest: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    links: dict[str, None] = field(default_factory=dict)
    templates: list[RequestTemplate] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    skipped: list[SkippedRoute] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)


def read_routes(running: Running) -> RouteTable:
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
    return RouteTable(
        framework=str(answer.get("framework", "unknown")),
        routes=tuple(_route(item) for item in answer.get("routes", ())),
    )


def explore(  # noqa: PLR0913  # three nouns, three knobs
    running: Running,
    table: RouteTable,
    visit: Callable[[str, str], Visit],
    *,
    selection: Selection,
    seed: int = 1,
    on_route: Callable[[str], None] = lambda _: None,
) -> Exploration:
    """Try every GET route, those without parameters first: their answers hold ids and links.

    Args:
        running: For samples of keys from the tables behind the first lookup.
        table: From `read_routes`.
        visit: Sends one request: `visit(endpoint, path)`.
        selection: What the user wants.
        seed: Of the workload.
        on_route: Called with each endpoint before it is tried.
    """
    walk = _Walk(running, table, visit, on_route, time.monotonic() + BUDGET_S)
    wanted = [route for route in table.routes if _is_wanted(walk, route, selection)]
    wanted.sort(key=lambda route: (len(values.path_parameters(route)), route.path))
    for route in wanted:
        if time.monotonic() > walk.deadline:
            walk.skipped.append(
                SkippedRoute(endpoint=route.endpoint, reason=f"not tried within {BUDGET_S:.0f} s")
            )
            continue
        on_route(route.endpoint)
        _try(walk, route)
    _leave_out_detours(walk)
    if running.ask("debug", {}).get("is_debug"):
        walk.assumptions.append("the application is in debug mode: in production it is faster")
    assumptions = (f"mix: equal shares of {len(walk.templates)} routes", *walk.assumptions)
    return Exploration(
        workload=Workload(templates=tuple(walk.templates), seed=seed, assumptions=assumptions),
        visits=tuple(walk.visits),
        skipped=tuple(walk.skipped),
    )


def _route(item: Mapping[str, Any]) -> Route:
    return Route(
        method=str(item["method"]),
        path=str(item["path"]),
        handler=str(item.get("handler", "")),
        needs_login=bool(item.get("needs_login", False)),
        parameters=tuple(
            Parameter(
                name=str(found["name"]),
                kind=str(found.get("kind", "str")),
                location=str(found.get("location", "path")),
                is_required=bool(found.get("is_required", True)),
                example=str(found.get("example", "") or ""),
            )
            for found in item.get("parameters", ())
        ),
    )


def _is_wanted(walk: _Walk, route: Route, selection: Selection) -> bool:
    if route.method in {"HEAD", "OPTIONS"}:
        return False
    reason = selection.refuses(route)
    if route.method != "GET":
        reason = "writes (method)"
    if reason:
        walk.skipped.append(SkippedRoute(endpoint=route.endpoint, reason=reason))
    return not reason


def _try(walk: _Walk, route: Route) -> None:
    """Find paths that answer, then visit the route a few times; or say why it gets no load."""
    paths, reason = _paths_that_answer(walk, route)
    visits: list[Visit] = []
    for number in range(VISITS if paths else 0):
        seen = walk.visit(route.endpoint, paths[number * 7 % len(paths)])
        visits.append(seen)
        if reason := refusal(seen):
            break
        _learn(walk, seen)
        if seen.sample.completed_ns - seen.sample.sent_ns > SLOW_S * 1e9:
            break
    if reason:
        walk.skipped.append(SkippedRoute(endpoint=route.endpoint, reason=reason))
        return
    walk.visits += visits
    walk.templates.append(RequestTemplate(endpoint=route.endpoint, paths=paths))


def _leave_out_detours(walk: _Walk) -> None:
    """Give no load to routes that all send the visitor to one place, as before a first set-up."""
    places: dict[str, set[str]] = defaultdict(set)
    for seen in walk.visits:
        if is_redirect(seen):
            places[urlsplit(seen.headers.get("location", "")).path].add(seen.sample.endpoint)
    for place, endpoints in places.items():
        if len(endpoints) < FEWEST_DETOURS:
            continue
        reason = f"redirects to {place}, as {len(endpoints)} routes do"
        walk.skipped += [SkippedRoute(endpoint=name, reason=reason) for name in sorted(endpoints)]
        walk.templates = [one for one in walk.templates if one.endpoint not in endpoints]
        walk.visits = [seen for seen in walk.visits if seen.sample.endpoint not in endpoints]


def _paths_that_answer(walk: _Walk, route: Route) -> tuple[tuple[str, ...], str]:
    """Concrete paths of which the first was seen to answer; or none, and why.

    A redirect is an answer only if no value is found with which the route answers itself.
    """
    reason = "no value found for its parameters"
    redirecting: tuple[str, ...] = ()
    for paths in _attempts(walk, route):
        seen = walk.visit(route.endpoint, paths[0])
        reason = refusal(seen)
        if not (is_unresolved(seen) and values.path_parameters(route)):
            if reason:
                return (), reason
            _learn(walk, seen)
            return _widened(walk, route, seen, paths), ""
        if not reason:
            redirecting = redirecting or paths
        elif not reason.startswith("answers 404"):
            return (), reason
        again, sampled = _sampled(walk, route, seen)
        if sampled and not is_unresolved(again):
            return ((), refused) if (refused := refusal(again)) else (sampled, "")
        if sampled and refusal(again).startswith("needs login"):
            return (), refusal(again)
    if redirecting:
        walk.assumptions.append(f"{route.endpoint}: nothing but redirects was seen")
    return redirecting, "" if redirecting else reason


def _widened(walk: _Walk, route: Route, seen: Visit, paths: tuple[str, ...]) -> tuple[str, ...]:
    """More keys for a route of which only one is known: a single hot row would flatter it."""
    if len(paths) > 1 or not values.path_parameters(route):
        return paths
    again, sampled = _sampled(walk, route, seen)
    return paths if not sampled or is_unresolved(again) or refusal(again) else sampled


def _attempts(walk: _Walk, route: Route) -> Iterable[tuple[str, ...]]:
    """Sets of paths to try, the best founded first."""
    parameters = values.path_parameters(route)
    if not parameters:
        yield (values.fill(route, {}),)
        return
    if linked := _linked(walk, route):
        yield linked
    last = parameters[-1]
    if found := values.candidates(last, route, walk.harvest):
        yield tuple(values.fill(route, {last.name: value}) for value in found)
    for guess in values.guesses(last)[:MOST_ATTEMPTS]:
        yield (values.fill(route, {last.name: guess}),)


def _linked(walk: _Walk, route: Route) -> tuple[str, ...]:
    """Links to a route in the pages that were seen so far."""
    linked = [path for path in walk.links if values.owner(walk.table.routes, path) is route]
    if all(parameter.kind != "path" for parameter in values.path_parameters(route)):
        return tuple(linked[: values.MOST_VALUES])
    checked = ((path, walk.visit(route.endpoint, path)) for path in linked[:MOST_CHECKED])
    return tuple(path for path, seen in checked if _is_answer_of(route, seen))


def _is_answer_of(route: Route, seen: Visit) -> bool:
    """Whether this route answered, and not one that the table leaves out, such as static files."""
    names = (route.endpoint, f"GET {seen.path.partition('?')[0]}")
    is_other = seen.trace is not None and seen.trace.endpoint not in names
    return not (is_other or refusal(seen) or is_unresolved(seen))


def _sampled(walk: _Walk, route: Route, seen: Visit) -> tuple[Visit, tuple[str, ...]]:
    """Paths with keys out of the tables that the route's lookups read.

    One parameter after the other: with a right key for the first, an application goes on to
    look up the second.

    Returns:
        The visit of the first of the paths, and the paths; none if there are no keys.
    """
    paths: tuple[str, ...] = ()
    tried: set[str] = set()
    while found := _keys(walk, route, seen, tried):
        name, keys = found
        tried.add(name)
        known = values.extract(route, seen.path)
        paths = tuple(values.fill(route, {**known, name: str(key)}) for key in keys)
        seen = walk.visit(route.endpoint, paths[0])
        if not is_unresolved(seen):
            break
    return seen, paths


def _keys(
    walk: _Walk, route: Route, seen: Visit, tried: set[str]
) -> tuple[str, Sequence[Any]] | None:
    """A parameter that was not tried yet and keys for it; None if no lookup seems to be its."""
    spans = seen.trace.spans if seen.trace else ()
    lookups = list(sql.lookups(span.name for span in spans if span.category is Category.SQL))
    names = [item.name for item in values.path_parameters(route) if item.name not in tried]
    # Only the first that fits: `id` fits other tables', too, and a sample may fail by chance.
    firsts = {name: [one for one in lookups if sql.is_key_of(*one, name)][:1] for name in names}
    if not any(firsts.values()) and len(names) == 1 and not tried:
        firsts = {names[0]: lookups[:1]}
    for name, table, column in [(name, *one) for name, found in firsts.items() for one in found]:
        if keys := _sample(walk.running, table, column):
            noun = "keys" if len(keys) > 1 else "key"
            walk.assumptions.append(
                f"{route.endpoint}: {len(keys)} {noun} of {table}.{column}, equally popular"
            )
            return name, keys
    return None


def _sample(running: Running, table: str, column: str) -> Sequence[Any]:
    """Ask until a worker that has a connection answers; each answers for itself."""
    for _ in range(2 * running.deployment.workers):
        arguments = {"table": table, "column": column, "limit": values.MOST_VALUES}
        if found := running.ask("sample", arguments).get("values"):
            return tuple(found)
    return ()


def _learn(walk: _Walk, seen: Visit) -> None:
    kind = seen.headers.get("content-type", "")
    if "json" in kind:
        walk.harvest[seen.path.partition("?")[0]] = values.ids_in_json(seen.body)
    elif "html" in kind:
        walk.links |= dict.fromkeys(values.links(seen.body, seen.path))


def _matches_any(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)
