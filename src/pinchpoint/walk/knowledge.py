"""What all sources together tell of the routes of one application."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.model.workload import RouteTable
from pinchpoint.plugins import load_plugins
from pinchpoint.stats.pulse import busiest_pulse
from pinchpoint.walk import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pinchpoint.model.traffic import Traffic
    from pinchpoint.model.workload import Parameter, Route

SOURCES = "pinchpoint.walk.sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the walk need not guess.

    Attributes:
        weights: By endpoint; empty if nothing is known of the mix.
        mix: Where the weights come from.
        left_out: Why a route without a weight gets no load.
        targets: By endpoint: request targets that were seen, with how often.
        targets_from: Where they come from.
        values: By the name of a parameter: what the user wants it to be.
        zipf_exponent: As the user wants it; None if that is left open.
        starts_s: When requests arrived, ascending, the first at 0.
        pulse: As `Workload` has it.
        notes: What was left out, one sentence each.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    mix: str = ""
    left_out: str = ""
    targets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    targets_from: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zipf_exponent: float | None = None
    starts_s: tuple[float, ...] = ()
    pulse: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def refuses(self, route: Route) -> str:
        """Why a route gets no load; empty if it may."""
        is_left_out = bool(self.weights) and not self.weights.get(route.endpoint)
        return self.left_out if is_left_out else ""


NOTHING = Knowledge()


def read_traffic(source: object) -> Traffic:
    """Read one source, whatever it is.

    Args:
        source: A started application, a `Document`, or the project's table.

    Raises:
        UsageError: It is wrong, or no source recognises it.
    """
    for plugin in load_plugins(SOURCES, "recognises", "read_traffic").values():
        if plugin.recognises(source):
            found: Traffic = plugin.read_traffic(source)
            return found
    raise UsageError(
        f"{getattr(source, 'name', source)}: no kind of traffic is recognised in it",
        "Known are access logs, HAR archives and OpenAPI descriptions, packed by gzip or not.",
    )


def combine(sources: Sequence[Traffic]) -> tuple[RouteTable, Knowledge]:
    """Join what several sources tell; the first that has routes is the route table.

    Raises:
        UsageError: The user names a route or a parameter that does not exist.
    """
    table, notes = _described([one for one in sources if one.routes])
    _check_names(table, sources)
    asks, others = _assigned(table, sources)
    recorded = ", ".join(one.source for one in sources if one.asks)
    if recorded and not asks:
        raise UsageError(
            f"{recorded}: no request in it is a GET of a route of this application",
            "Is it another application's, or one behind a prefix?",
        )
    shares: Mapping[str, float] = {endpoint: sum(hits.values()) for endpoint, hits in asks.items()}
    weighted = next((one for one in sources if one.weights), None)
    mix = f"shares of {sum(shares.values())} requests in {recorded}" if recorded else ""
    left_out = f"never asked for in {recorded}"
    if weighted is not None:
        shares = {route.endpoint: _weight(weighted, route) for route in table.routes}
        mix = f"weights of {weighted.source}"
        left_out = f"weight 0 in {weighted.source}"
    starts_s = next((one.starts_s for one in sources if one.starts_s), ())
    return table, Knowledge(
        weights=shares,
        mix=mix,
        left_out=left_out,
        targets=asks,
        targets_from=recorded,
        values={name: texts for one in reversed(sources) for name, texts in one.values.items()},
        zipf_exponent=next(
            (one.zipf_exponent for one in sources if one.zipf_exponent is not None), None
        ),
        starts_s=starts_s,
        pulse=_pulse(starts_s) if any(one.is_replayed for one in sources) else (),
        notes=(*(note for one in sources for note in one.notes), *notes, *others),
    )


def _pulse(starts_s: Sequence[float]) -> tuple[float, ...]:
    pulse = busiest_pulse(starts_s)
    if not pulse:
        raise UsageError(
            "arrivals = 'recorded' needs an access log with the times of a minute or more",
            "Give one: --traffic access.log.",
        )
    return pulse


def _weight(source: Traffic, route: Route) -> float:
    return next((weight for pattern, weight in source.weights if _fits(pattern, route)), 1.0)


def _fits(pattern: str, route: Route) -> bool:
    # Braces mean nothing to fnmatch, so that `/books/{id}` is a pattern, too.
    return any(fnmatch.fnmatchcase(name, pattern) for name in (route.path, route.endpoint))


def _described(sources: Sequence[Traffic]) -> tuple[RouteTable, list[str]]:
    """The route table, its parameters enriched by what other sources tell of the same routes."""
    if not sources:
        return RouteTable(routes=()), []
    first, *others = sources
    known = {_shape(route.method, route.path): route for route in first.routes}
    notes: list[str] = []
    for source in others:
        unknown = 0
        for route in source.routes:
            shape = _matching(known, route)
            if shape is None:
                unknown += 1
            else:
                known[shape] = _enriched(known[shape], route)
        if unknown:
            notes.append(f"{source.source}: {unknown} operations are not in {first.source}")
    return RouteTable(routes=tuple(known.values())), notes


def _shape(method: str, path: str) -> tuple[str, str]:
    """Two descriptions may call the same parameter by different names."""
    return method, re.sub(r"\{[^{}]*\}", "{}", path).rstrip("/")


def _matching(known: Mapping[tuple[str, str], Route], route: Route) -> tuple[str, str] | None:
    """The shape under which a described route is known, with or without its first segments."""
    path = route.path
    while True:
        if (shape := _shape(route.method, path)) in known:
            return shape
        _, slash, rest = path.lstrip("/").partition("/")
        if not slash or path.startswith("/{"):
            return None
        path = "/" + rest


def _enriched(route: Route, described: Route) -> Route:
    """A route with what its description adds: examples, and query parameters that it requires."""
    in_path = zip(values.path_parameters(route), _in_order(described), strict=False)
    pairs = {("path", own.name): other for own, other in in_path}
    pairs |= {
        (one.location, one.name): one for one in described.parameters if one.location == "query"
    }
    own = [
        _with_examples(one, pairs.pop((one.location, one.name), None)) for one in route.parameters
    ]
    new = [one for (location, _), one in pairs.items() if location == "query"]
    return replace(route, parameters=(*own, *new))


def _in_order(route: Route) -> list[Parameter]:
    """The parameters of a path as they follow each other in it."""
    by_name = {one.name: one for one in values.path_parameters(route)}
    return [by_name[name] for name in re.findall(r"\{([^{}]*)\}", route.path) if name in by_name]


def _with_examples(own: Parameter, other: Parameter | None) -> Parameter:
    if other is None:
        return own
    kind = other.kind if own.kind == "str" else own.kind
    is_required = own.is_required or other.is_required
    examples = other.examples or own.examples
    return replace(own, kind=kind, is_required=is_required, examples=examples)


def _assigned(
    table: RouteTable, sources: Sequence[Traffic]
) -> tuple[Mapping[str, Mapping[str, int]], list[str]]:
    """What was asked for of each GET route, and notes on the requests of no such route."""
    assigned: defaultdict[str, Counter[str]] = defaultdict(Counter)
    left: Counter[str] = Counter()
    owner = values.owners(table.routes)
    for source in sources:
        for ask, count in source.asks.items():
            route = owner(ask.target) if ask.method == "GET" else None
            if route is not None:
                assigned[route.endpoint][ask.target] += count
            else:
                left["of no route" if ask.method == "GET" else f"{ask.method}"] += count
    counted = ", ".join(f"{count} {what}" for what, count in left.most_common())
    return assigned, [f"recorded requests left out: {counted}"] if left else []


def _check_names(table: RouteTable, sources: Sequence[Traffic]) -> None:
    parameters = {one.name for route in table.routes for one in route.parameters}
    endpoints = {route.endpoint for route in table.routes}
    for source in sources:
        for pattern, _ in source.weights:
            if not any(_fits(pattern, route) for route in table.routes):
                raise _unknown(source, "weights", pattern, endpoints)
        for name in source.values:
            if name not in parameters:
                raise _unknown(source, "values", name, parameters)


def _unknown(source: Traffic, setting: str, name: str, known: Iterable[str]) -> UsageError:
    what = "fits no route" if setting == "weights" else "is no parameter of any route"
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else "pinchpoint routes shows what there is."
    return UsageError(f"{source.source} {setting}: '{name}' {what}", hint)
