"""The project's own table, `[tool.pinchpoint.traffic]` in pyproject.toml.

    [tool.pinchpoint.traffic]
    popularity = "zipf:1.1"                  # or "zipf" (1.0), or "uniform"
    arrivals = "recorded"                    # in the bursts of an access log; or "poisson"
    weights = { "GET /books" = 5, "GET /books/{book_id}" = 20, "GET /admin/*" = 0 }
    values = { book_id = { range = [1, 1000] }, q = ["tea", "cup"] }

Weights are relative; the first pattern that fits counts, and routes without one have 1. A
weight of 0 leaves a route out. Values are those of a parameter wherever it occurs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Traffic

NAME = "[tool.pinchpoint.traffic]"
KNOWN = ("arrivals", "popularity", "source", "values", "weights")
MOST_VALUES = 1000
"""Of a range, spread evenly over it."""


def recognises(source: object) -> bool:
    """Whether it is a table."""
    return isinstance(source, Mapping)


def read_traffic(table: Mapping[str, Any]) -> Traffic:
    """Read weights, values and popularity.

    Raises:
        UsageError: A setting is unknown or of the wrong kind.
    """
    for name in table:
        if name not in KNOWN:
            raise UsageError(f"{NAME} has no setting '{name}'", f"Known: {', '.join(KNOWN)}.")
    weights = _table(table, "weights")
    values = _table(table, "values")
    return Traffic(
        source=NAME,
        weights=tuple((pattern, _weight(pattern, weights[pattern])) for pattern in weights),
        values={name: _values(name, values[name]) for name in values},
        is_replayed=_is_replayed(table.get("arrivals", "poisson")),
        zipf_exponent=_exponent(table["popularity"]) if "popularity" in table else None,
    )


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = table.get(name, {})
    if not isinstance(inner, Mapping):
        raise UsageError(f"{NAME} {name}: a table is expected, such as {{ name = 1 }}")
    return inner


def _weight(pattern: str, value: object) -> float:
    if not _is_number(value) or not 0 <= float(str(value)) < math.inf:
        raise UsageError(f"{NAME} weights: '{pattern}' must be a number from 0 up, not {value!r}")
    return float(str(value))


def _values(name: str, given: object) -> tuple[str, ...]:
    place = f"{NAME} values: '{name}'"
    if isinstance(given, Mapping):
        if set(given) != {"range"}:
            raise UsageError(f"{place}: a table must be {{ range = [first, last] }}")
        return _spread(place, given["range"])
    listed = given if isinstance(given, list) else [given]
    if not listed or not all(_is_number(value) or isinstance(value, str) for value in listed):
        raise UsageError(f"{place}: a list of numbers or texts is expected, not {given!r}")
    return tuple(map(str, listed))


def _spread(place: str, ends: object) -> tuple[str, ...]:
    """The numbers from the first to the last, or MOST_VALUES of them, evenly spread."""
    match ends:
        case [int(first), int(last)] if first <= last:
            step = math.ceil((last - first + 1) / MOST_VALUES)
            return tuple(map(str, range(first, last + 1, step)))
    raise UsageError(f"{place}: range = [first, last] takes two whole numbers, the lower first")


def _is_replayed(text: object) -> bool:
    if text not in {"poisson", "recorded"}:
        raise UsageError(f"{NAME} arrivals: '{text}' is neither 'poisson' nor 'recorded'")
    return text == "recorded"


def _exponent(text: object) -> float:
    kind, _, number = str(text).partition(":")
    if kind == "uniform" and not number:
        return 0.0
    try:
        exponent = float(number or 1.0) if kind == "zipf" else math.nan
    except ValueError:
        exponent = math.nan
    if not 0 < exponent < 10:
        raise UsageError(
            f"{NAME} popularity: '{text}' is none",
            "It is 'uniform', 'zipf' or 'zipf:EXPONENT' such as zipf:1.1.",
        )
    return exponent


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
