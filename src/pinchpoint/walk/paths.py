"""Find concrete paths for one route, the best founded first, and see whether they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pinchpoint.model.running import Running
from pinchpoint.model.span import Category
from pinchpoint.model.workload import RouteTable
from pinchpoint.walk import values
from pinchpoint.walk.client import Visit
from pinchpoint.walk.knowledge import NOTHING, Knowledge
from pinchpoint.walk.privacy import STAND_IN
from pinchpoint.walk.refusal import is_misfit, is_unresolved, may_change, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinchpoint.model.workload import Parameter, Route

MOST_ATTEMPTS = 3
"""Values tried for a route before it is given up."""
MOST_CHECKED = 20
"""Paths of one origin that are tried one by one."""
SLOW_S = 1.0
"""A route that has taken this long alone is visited as seldom as can be."""
SENT_AWAY = "sends the visitor away"
GUESSED, LINKED, LISTED, DESCRIBED = "guesses", "links", "ids in lists", "the description"
THE_USERS = "[tool.pinchpoint.traffic]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Paths of a route that answer, or why there are none.

    Attributes:
        paths: Of which the first was seen to answer; empty if none does.
        counts: How often each was asked for; empty if that is not known.
        origin: Where the values come from; empty for a route without parameters.
        reason: Why there are no paths.
    """

    paths: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    origin: str = ""
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Finder:
    """Finds paths; what one route answers, such as ids and links, helps with the next.

    Attributes:
        running: For samples of keys from the tables behind the first lookup.
        table: All routes.
        visit: Sends one request: `visit(endpoint, path)`.
        known: What need not be guessed.
        harvest: By list path: values by key.
        links: In the pages that were seen so far, as they came.
        notes: What was assumed for single routes.
    """

    running: Running
    table: RouteTable
    visit: Callable[[str, str], Visit]
    known: Knowledge = NOTHING
    harvest: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    links: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def find(self, route: Route) -> Found:
        """Values of the user, else recorded ones, else any with which the route answers."""
        if wanted := self._wanted(route):
            return self._checked(route, wanted, THE_USERS)
        found = self._recorded(route)
        return found if found.paths or found.reason else self._tried(route)

    def learn(self, seen: Visit) -> None:
        """Keep ids and links of an answer."""
        kind = seen.headers.get("content-type", "")
        if "json" in kind:
            self.harvest[seen.path.partition("?")[0]] = values.ids_in_json(seen.body)
        elif "html" in kind:
            links = values.links(seen.body, seen.path)
            self.links |= dict.fromkeys(link for link in links if not may_change(link))

    def _wanted(self, route: Route) -> tuple[str, ...]:
        chosen = {
            one.name: self.known.values[one.name]
            for one in route.parameters
            if one.name in self.known.values
        }
        return values.combinations(route, chosen) if chosen else ()

    def _recorded(self, route: Route) -> Found:
        """What visitors asked for, as far as it exists here; neither paths nor reason if none."""
        counts = self.known.targets.get(route.endpoint, {})
        whole = [target for target in counts if STAND_IN not in target]
        popular = sorted(whole, key=lambda target: (-counts[target], target))[: values.MOST_VALUES]
        found = self._checked(route, tuple(popular), self.known.targets_from)
        if found.reason and not found.reason.startswith(("answers 4", SENT_AWAY)):
            return found
        return Found(
            paths=found.paths,
            counts=tuple(counts[path] for path in found.paths),
            origin=found.origin if route.parameters or "?" in "".join(found.paths) else "",
        )

    def _checked(self, route: Route, paths: Sequence[str], origin: str) -> Found:
        """The paths that answer: all if none of those that were tried does not."""
        step = max(1, len(paths) // MOST_CHECKED)
        answering: list[str] = []
        reason = ""
        spent_ns = 0
        for path in paths[::step][:MOST_CHECKED]:
            seen = self.visit(route.endpoint, path)
            refused = refusal(seen) or (SENT_AWAY if is_unresolved(seen) else "")
            if not refused:
                self.learn(seen)
                answering.append(path)
            elif not is_misfit(seen):
                return Found(reason=refused)
            reason = reason or refused
            spent_ns += seen.sample.completed_ns - seen.sample.sent_ns
            if spent_ns > SLOW_S * 1e9:
                break
        if not answering:
            return Found(reason=f"{reason} with values of {origin}" if reason else "")
        return Found(paths=tuple(answering if reason else paths), origin=origin)

    def _tried(self, route: Route) -> Found:
        """Paths of which the first was seen to answer.

        A redirect is an answer only if no value is found with which the route answers itself.
        """
        reason = "no value found for its parameters"
        redirecting = Found()
        for paths, origin in self._attempts(route):
            seen = self.visit(route.endpoint, paths[0])
            reason = refusal(seen)
            is_final = bool(reason) and not reason.startswith("answers 4")
            if is_final or not (is_misfit(seen) and route.parameters):
                return Found(reason=reason) if reason else self._widened(route, seen, paths, origin)
            if not reason:
                redirecting = (
                    redirecting if redirecting.paths else Found(paths=paths, origin=origin)
                )
            if not values.path_parameters(route):
                continue
            again, sampled = self._sampled(route, seen)
            if sampled.paths and not is_misfit(again):
                return Found(reason=refused) if (refused := refusal(again)) else sampled
            if sampled.paths and refusal(again).startswith("needs login"):
                return Found(reason=refusal(again))
        if redirecting.paths:
            self.notes.append(f"{route.endpoint}: nothing but redirects was seen")
        return redirecting if redirecting.paths else Found(reason=reason)

    def _widened(self, route: Route, seen: Visit, paths: tuple[str, ...], origin: str) -> Found:
        """More keys for a route of which only one is known: a single hot row would flatter it."""
        self.learn(seen)
        found = Found(paths=paths, origin=origin)
        if len(paths) > 1 or not values.path_parameters(route):
            return found
        again, sampled = self._sampled(route, seen)
        is_worse = not sampled.paths or is_misfit(again) or refusal(again)
        return found if is_worse else sampled

    def _attempts(self, route: Route) -> Iterator[tuple[tuple[str, ...], str]]:
        """Sets of paths to try with the origin of their values, the best founded first."""
        required = [one for one in route.parameters if one.location == "path" or one.is_required]
        if not required:
            yield (values.fill(route, {}),), ""
            return
        if linked := self._linked(route):
            yield linked, LINKED
        parameters = values.path_parameters(route)
        if parameters and (found := values.candidates(last := parameters[-1], route, self.harvest)):
            yield tuple(values.fill(route, {last.name: value}) for value in found), LISTED
        given = {one.name: one.examples for one in required if one.examples}
        if any(len(texts) > 1 for texts in given.values()):
            described = self._checked(route, values.combinations(route, given), DESCRIBED)
            if described.paths:
                yield described.paths, DESCRIBED
        yield from _guessed(route, required)

    def _linked(self, route: Route) -> tuple[str, ...]:
        """Links to a route in the pages that were seen so far."""
        parameters = values.path_parameters(route)
        links = self.links if parameters else ()
        owner = values.owners(self.table.routes)
        linked = [path for path in links if owner(path) is route]
        if all(parameter.kind != "path" for parameter in parameters):
            return tuple(linked[: values.MOST_VALUES])
        checked = ((path, self.visit(route.endpoint, path)) for path in linked[:MOST_CHECKED])
        return tuple(path for path, seen in checked if _is_answer_of(route, seen))

    def _sampled(self, route: Route, seen: Visit) -> tuple[Visit, Found]:
        """Paths with keys out of the tables that the route's lookups read.

        One parameter after the other: with a right key for the first, an application goes on to
        look up the second.

        Returns:
            The visit of the first of the paths, and the paths; none if there are no keys.
        """
        sampled = Found()
        tried: set[str] = set()
        while keys := self._keys(route, seen, tried):
            name, column, sample = keys
            tried.add(name)
            known = values.extract(route, seen.path)
            paths = tuple(values.fill(route, {**known, name: str(key)}) for key in sample)
            sampled = Found(paths=paths, origin=f"keys of {column}")
            seen = self.visit(route.endpoint, paths[0])
            if not is_unresolved(seen):
                break
        return seen, sampled

    def _keys(
        self, route: Route, seen: Visit, tried: set[str]
    ) -> tuple[str, str, Sequence[Any]] | None:
        """A parameter that was not tried yet, the column that it is a key of, and keys."""
        from pinchpoint.walk import sql  # its parser takes half a second to load

        spans = seen.trace.spans if seen.trace else ()
        lookups = list(sql.lookups(span.name for span in spans if span.category is Category.SQL))
        names = [one.name for one in values.path_parameters(route) if one.name not in tried]
        # Only the first that fits: `id` fits other tables', too, and a sample may fail by chance.
        firsts = {name: [one for one in lookups if sql.is_key_of(*one, name)][:1] for name in names}
        if not any(firsts.values()) and len(names) == 1 and not tried:
            firsts = {names[0]: lookups[:1]}
        for name, table, column in [
            (name, *one) for name, found in firsts.items() for one in found
        ]:
            if keys := _sample(self.running, table, column):
                return name, f"{table}.{column}", keys
        return None


def _guessed(route: Route, required: Iterable[Parameter]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The first guesses of all parameters, the second, and so on; each path once."""
    options = {one.name: values.guesses(one) for one in required}
    has_examples = all(one.examples for one in required)
    paths = (
        values.fill(
            route, {name: texts[min(at, len(texts) - 1)] for name, texts in options.items()}
        )
        for at in range(MOST_ATTEMPTS)
    )
    for path in dict.fromkeys(paths):
        yield (path,), DESCRIBED if has_examples else GUESSED


def _is_answer_of(route: Route, seen: Visit) -> bool:
    """Whether this route answered, and not one that the table leaves out, such as static files."""
    names = (route.endpoint, f"GET {seen.path.partition('?')[0]}")
    is_other = seen.trace is not None and seen.trace.endpoint not in names
    return not (is_other or refusal(seen) or is_unresolved(seen))


def _sample(running: Running, table: str, column: str) -> Sequence[Any]:
    """Ask until a worker that has a connection answers; each answers for itself."""
    for _ in range(2 * running.deployment.workers):
        arguments = {"table": table, "column": column, "limit": values.MOST_VALUES}
        if found := running.ask("sample", arguments).get("values"):
            return tuple(found)
    return ()
