"""Values for the parameters of routes: from answers, from links, from tables."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections import defaultdict
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urljoin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pinchpoint.model.workload import Parameter, Route

MOST_VALUES = 200
"""Enough keys that a cache of hot rows does not decide the figure, few enough to sample."""
ANY = "{}"
_BRACES = re.compile(r"\{([^{}:]+)(?::[^{}]*)?\}")
_LINK = re.compile(rb"""\b(?:href|src)\s*=\s*["']([^"'#\s]+)""", re.IGNORECASE)
_URL = "/%?&=+,;:@!$'()*~"
"""What stays as it is in a link; the rest, such as an umlaut, is quoted."""
_DAY, _MOMENT = "2025-01-15", "2025-01-15T12:00:00Z"
_GUESSES = {
    "int": ("1", "2", "10"),
    "uuid": ("00000000-0000-0000-0000-000000000001",),
    "float": ("1.0",),
    "double": ("1.0",),
    "decimal": ("1.0",),
    "bool": ("true",),
    "path": ("", "1", "test"),
    "date": (_DAY,),
    "date-time": (_MOMENT,),
    "datetime": (_MOMENT,),
    "time": ("12:00:00",),
    "email": ("somebody@example.com",),
    "uri": ("https://example.com/",),
    "ipv4": ("192.0.2.1",),
    "str": ("1", "a", "test"),
}
"""By the kind, which is a converter's name, a Python type or a format of OpenAPI."""
_TELLING_NAMES = (
    ("page", "1"),
    ("limit size count per", "10"),
    ("offset skip", "0"),
    ("year", "2025"),
    ("month day", "1"),
    ("lat latitude", "52.5"),
    ("lon lng longitude", "13.4"),
    ("date from since start after to until end before", _DAY),
    ("email mail", "somebody@example.com"),
    ("lang language locale", "en"),
    ("country", "DE"),
    ("currency", "EUR"),
    ("q query search term", "a"),
)
"""Words in a parameter's name, and what is usually meant by them."""
_NAMED = {word: value for words, value in _TELLING_NAMES for word in words.split()}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


_UUID = "([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"


def fill(route: Route, values: Mapping[str, str]) -> str:
    """The concrete request target of a route: path parameters and required query parameters."""
    query: dict[str, str] = {}
    path = route.path
    for parameter in route.parameters:
        value = values.get(parameter.name) or guesses(parameter)[0]
        if parameter.location == "query":
            if parameter.is_required or parameter.name in values:
                query[parameter.name] = value
            continue
        safe = "/" if parameter.kind == "path" else ""
        pattern = re.compile(r"\{" + re.escape(parameter.name) + r"(?::[^{}]*)?\}")
        path = pattern.sub(quote(value, safe=safe).replace("\\", "%5C"), path)
    return f"{path}?{urlencode(query)}" if query else path


def guesses(parameter: Parameter) -> tuple[str, ...]:
    """What to try where nothing is known: examples, else by format, by name, by type."""
    if parameter.examples:
        return parameter.examples
    kind = parameter.kind.lower()
    by_kind = _GUESSES.get(kind, _GUESSES["str"])
    if kind in _GUESSES and kind not in {"str", "int", "float"}:
        return by_kind
    named = (_NAMED.get(word.lower()) for word in _WORDS.findall(parameter.name))
    by_name = tuple(value for value in named if value and _suits(value, kind))
    return tuple(dict.fromkeys((*by_name, *by_kind)))


def _suits(value: str, kind: str) -> bool:
    number = {"int": value.isdigit(), "float": value.replace(".", "").isdigit()}
    return number.get(kind, True)


def combinations(route: Route, choices: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Paths with the values that some parameters may take; at most MOST_VALUES of them.

    All of them if they are so few; else each parameter's values evenly spread, paired at random.
    """
    columns = [texts for texts in choices.values() if texts]
    rows: Iterable[Sequence[str]] = itertools.product(*columns)
    if math.prod(map(len, columns)) > MOST_VALUES:
        spread = [
            [texts[at * len(texts) // MOST_VALUES] for at in range(MOST_VALUES)]
            for texts in columns
        ]
        dice = random.Random(route.endpoint)  # noqa: S311  # any pairing, but the same each time
        for column in spread[1:]:
            dice.shuffle(column)
        rows = zip(*spread, strict=True)
    names = [name for name, texts in choices.items() if texts]
    paths = (fill(route, dict(zip(names, row, strict=True))) for row in rows)
    return tuple(dict.fromkeys(paths))


def path_parameters(route: Route) -> tuple[Parameter, ...]:
    """Those in the path."""
    return tuple(item for item in route.parameters if item.location == "path")


def links(body: bytes, page: str) -> tuple[str, ...]:
    """The links of an HTML page to the same host, each once, in order.

    Args:
        body: Of the page.
        page: Its path, for links that are relative to it.
    """
    texts = (unescape(match.decode("utf-8", "replace")) for match in _LINK.findall(body))
    found = (quote(urljoin(page, text), safe=_URL) for text in texts if _is_relative(text))
    return tuple(dict.fromkeys(found))


def _is_relative(link: str) -> bool:
    return not link.startswith("//") and ":" not in link.partition("?")[0].partition("/")[0]


def matches(route: Route, path: str) -> bool:
    """Whether a concrete path belongs to a route's template (its query is ignored)."""
    return bool(_pattern(route).fullmatch(path.partition("?")[0]))


def owners(routes: Iterable[Route]) -> Callable[[str], Route | None]:
    """What finds the GET route of a path: of those that fit, the one that spells out most."""
    by_start: defaultdict[str, list[Route]] = defaultdict(list)
    for route in routes:
        if route.method == "GET":
            by_start[_start(route.path)].append(route)

    def find(path: str) -> Route | None:
        start = _start(path.partition("?")[0])
        candidates = by_start.get(start, []) + (by_start.get(ANY, []) if start != ANY else [])
        return max((one for one in candidates if matches(one, path)), key=_precision, default=None)

    return find


def _start(path: str) -> str:
    """The first segment, by which most routes can be told apart; ANY if it is a parameter."""
    first = path.lstrip("/").partition("/")[0]
    return ANY if "{" in first else first


def _precision(route: Route) -> tuple[int, int]:
    return len(_BRACES.sub("", route.path)), -len(path_parameters(route))


def extract(route: Route, path: str) -> Mapping[str, str]:
    """The values of a route's parameters in a concrete path; empty if it is not of the route."""
    found = _pattern(route).fullmatch(path.partition("?")[0])
    names = _BRACES.findall(route.path)
    return (
        {name: unquote(text) for name, text in zip(names, found.groups(), strict=True)}
        if found
        else {}
    )


@lru_cache(maxsize=2000)
def _pattern(route: Route) -> re.Pattern[str]:
    kinds = {item.name: item.kind for item in route.parameters}
    parts: list[str] = []
    end = 0
    for match in _BRACES.finditer(route.path):
        parts.append(re.escape(route.path[end : match.start()]))
        kind = kinds.get(match[1], "str")
        parts.append({"path": "(.*)", "int": r"(\d+)", "uuid": _UUID}.get(kind, "([^/]+)"))
        end = match.end()
    parts.append(re.escape(route.path[end:]))
    return re.compile("".join(parts))


def ids_in_json(body: bytes) -> Mapping[str, tuple[str, ...]]:
    """Scalar values of the objects in a JSON answer, by key, for keys that name something.

    Only lists of objects are looked into (at any depth): those are where ids come from.
    """
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    found: dict[str, list[str]] = {}
    for item in _objects_in_lists(document):
        for key, value in item.items():
            if isinstance(value, int | str) and not isinstance(value, bool) and str(value):
                found.setdefault(key, []).append(str(value))
    return {key: tuple(dict.fromkeys(values))[:MOST_VALUES] for key, values in found.items()}


def _objects_in_lists(document: object, *, is_item: bool = False) -> Iterator[dict[str, object]]:
    if isinstance(document, list):
        for item in document:
            yield from _objects_in_lists(item, is_item=True)
    elif isinstance(document, dict):
        if is_item:
            yield document
        for value in document.values():
            yield from _objects_in_lists(value)


def candidates(
    parameter: Parameter, route: Route, harvest: Mapping[str, Mapping[str, Sequence[str]]]
) -> tuple[str, ...]:
    """Values for a path parameter out of what list endpoints answered.

    Args:
        parameter: To be filled.
        route: Whose path stands around it.
        harvest: By list path (`/products`): values by key.

    Returns:
        Values of the same key, or of `id` for a parameter that is called like one; the
        lists above the route first.
    """
    before = route.path.partition("{" + parameter.name)[0].rstrip("/")
    keys = [parameter.name]
    if parameter.name in {"id", "pk"} or parameter.name.endswith(("_id", "_pk")):
        keys += ["id", "pk"]
    found: list[str] = []
    for path, by_key in sorted(harvest.items(), key=lambda item: item[0] != before):
        is_above = path.rstrip("/") == before
        for key in keys:
            if key in {"id", "pk"} and key != parameter.name and not is_above:
                continue
            if key in by_key and (is_above or key not in {"id", "pk"}):
                found += [value for value in by_key[key] if _fits(value, parameter)]
    return tuple(dict.fromkeys(found))[:MOST_VALUES]


def _fits(value: str, parameter: Parameter) -> bool:
    return value.lstrip("-").isdigit() if parameter.kind == "int" else "/" not in value
