"""Try each read route alone, a few times: what answers, what writes, what its values are."""

from __future__ import annotations

import fnmatch
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinchpoint.model.workload import RequestTemplate, SkippedRoute, Workload
from pinchpoint.walk import values
from pinchpoint.walk.client import Visit
from pinchpoint.walk.knowledge import NOTHING
from pinchpoint.walk.mix import assumptions, path_weights
from pinchpoint.walk.paths import SLOW_S, Finder, Found
from pinchpoint.walk.refusal import is_redirect, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinchpoint.model.running import Running
    from pinchpoint.model.workload import Route, RouteTable
    from pinchpoint.walk.knowledge import Knowledge

VISITS = 3
"""Of each route that answers: the first is often cold, so one alone would mislead."""
BUDGET_S = 20.0
"""After this the rest of the routes is listed as not tried."""
FEWEST_DETOURS = 5
"""Routes that redirect to one place: fewer may do so for reasons of their own."""


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
        workload: The routes that answer, each with concrete paths, with shares of the mix.
        visits: Every request that was tried on a route that answers.
        skipped: The others, and why.
    """

    workload: Workload
    visits: tuple[Visit, ...]
    skipped: tuple[SkippedRoute, ...]


@dataclass(slots=True, kw_only=True)
class _Walk:
    """What is known so far; lives for one `explore`."""

    finder: Finder
    selection: Selection
    loaded: dict[str, Found] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    skipped: list[SkippedRoute] = field(default_factory=list)

    def skip(self, endpoint: str, reason: str) -> None:
        """A route gets no load."""
        self.skipped.append(SkippedRoute(endpoint=endpoint, reason=reason))


def explore(  # noqa: PLR0913  # three nouns, four knobs
    running: Running,
    table: RouteTable,
    visit: Callable[[str, str], Visit],
    *,
    selection: Selection,
    known: Knowledge = NOTHING,
    seed: int = 1,
    on_route: Callable[[str], None] = lambda _: None,
) -> Exploration:
    """Try every GET route, those without parameters first: their answers hold ids and links.

    Args:
        running: For samples of keys from the tables behind the first lookup.
        table: All routes.
        visit: Sends one request: `visit(endpoint, path)`.
        selection: What the user wants.
        known: What is known of real traffic.
        seed: Of the workload.
        on_route: Called with each endpoint before it is tried.
    """
    finder = Finder(running=running, table=table, visit=visit, known=known)
    walk = _Walk(finder=finder, selection=selection)
    wanted = [route for route in table.routes if _is_wanted(walk, route)]
    wanted.sort(key=lambda route: (len(values.path_parameters(route)), route.path))
    deadline = time.monotonic() + BUDGET_S
    for route in wanted:
        if time.monotonic() > deadline:
            walk.skip(route.endpoint, f"not tried within {BUDGET_S:.0f} s")
            continue
        on_route(route.endpoint)
        _try(walk, route)
    _leave_out_detours(walk)
    if running.ask("debug", {}).get("is_debug"):
        finder.notes.append("the application is in debug mode: in production it is faster")
    return Exploration(
        workload=_workload(walk, known, seed),
        visits=tuple(walk.visits),
        skipped=tuple(walk.skipped),
    )


def _workload(walk: _Walk, known: Knowledge, seed: int) -> Workload:
    templates = tuple(
        RequestTemplate(
            endpoint=endpoint,
            paths=found.paths,
            weight=known.weights.get(endpoint, 1.0),
            path_weights=path_weights(endpoint, found, known),
            origin=found.origin,
        )
        for endpoint, found in walk.loaded.items()
    )
    notes = (*assumptions(walk.loaded.items(), known), *walk.finder.notes)
    return Workload(templates=templates, seed=seed, pulse=known.pulse, assumptions=notes)


def _is_wanted(walk: _Walk, route: Route) -> bool:
    if route.method in {"HEAD", "OPTIONS"}:
        return False
    reason = walk.selection.refuses(route) or walk.finder.known.refuses(route)
    if route.method != "GET":
        reason = "writes (method)"
    if reason:
        walk.skip(route.endpoint, reason)
    return not reason


def _try(walk: _Walk, route: Route) -> None:
    """Find paths that answer, then visit the route a few times; or say why it gets no load."""
    found = walk.finder.find(route)
    reason = found.reason
    visits: list[Visit] = []
    for number in range(VISITS if found.paths else 0):
        seen = walk.finder.visit(route.endpoint, found.paths[number * 7 % len(found.paths)])
        visits.append(seen)
        if reason := refusal(seen):
            break
        walk.finder.learn(seen)
        if seen.sample.completed_ns - seen.sample.sent_ns > SLOW_S * 1e9:
            break
    if reason:
        walk.skip(route.endpoint, reason)
        return
    walk.visits += visits
    walk.loaded[route.endpoint] = found


def _leave_out_detours(walk: _Walk) -> None:
    """Give no load to routes that all send the visitor to one place, as before a first set-up."""
    places: dict[str, set[str]] = defaultdict(set)
    for seen in walk.visits:
        if is_redirect(seen):
            places[urlsplit(seen.headers.get("location", "")).path].add(seen.sample.endpoint)
    for place, endpoints in places.items():
        if len(endpoints) < FEWEST_DETOURS:
            continue
        for endpoint in sorted(endpoints):
            walk.skip(endpoint, f"redirects to {place}, as {len(endpoints)} routes do")
            del walk.loaded[endpoint]
        walk.visits = [seen for seen in walk.visits if seen.sample.endpoint not in endpoints]


def _matches_any(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)
