"""Figures as words: natural units, three significant digits."""

from __future__ import annotations

import math
from types import MappingProxyType

from pinchpoint.model.finding import Status
from pinchpoint.model.span import Category
from pinchpoint.model.trial import Verdict

CATEGORIES = MappingProxyType(
    {
        Category.CLIENT: "sent late by generator",
        Category.QUEUE: "wait for a worker",
        Category.EXECUTOR: "wait for a thread",
        Category.POOL_WAIT: "wait for a pooled connection",
        Category.LOCK: "wait for a lock",
        Category.CONNECT: "open a connection",
        Category.SQL: "database",
        Category.RUNNABLE: "wait for the interpreter or a CPU",
        Category.CACHE: "cache",
        Category.OUTBOUND: "other services",
        Category.SLEEP: "sleep",
        Category.FRAMEWORK: "framework",
        Category.APP: "own code",
        Category.TEMPLATE: "templates",
        Category.SERIALIZE: "serialization",
        Category.HASH: "password hashing",
        Category.GC: "garbage collection",
        Category.RESPONSE: "write the response",
        Category.UNATTRIBUTED: "unattributed",
    }
)
"""In the order of a request's way, which is the order of every stacked bar."""

WAITING = frozenset(
    {
        Category.CLIENT,
        Category.QUEUE,
        Category.EXECUTOR,
        Category.POOL_WAIT,
        Category.LOCK,
        Category.CONNECT,
        Category.RUNNABLE,
        Category.SLEEP,
    }
)
"""Nobody works for the request in these: they are hatched."""

SHAPES = MappingProxyType(
    {
        Status.PROVEN: "●",
        Status.PREDICTED: "◐",
        Status.SUSPECTED: "○",
        Status.RULED_OUT: "✗",
        Status.INCONCLUSIVE: "?",
    }
)

VERDICT_SHAPES = MappingProxyType(
    {
        Verdict.IMPROVED: "▲",
        Verdict.REGRESSED: "▼",
        Verdict.EQUIVALENT: "■",
        Verdict.INCONCLUSIVE: "?",
        Verdict.REFUSED: "✗",
    }
)


MOST_PLACES = 6
"""A figure that needs more is 0 to every reader."""


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, without a trailing zero after the point."""
    if not math.isfinite(value):
        return "unbounded" if value > 0 else "unknown"
    size = math.floor(math.log10(abs(value))) if value else 0
    places = min(max(0, digits - 1 - size), MOST_PLACES)
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rate(value_rps: float) -> str:
    """`62.3 req/s`."""
    return f"{number(value_rps)} req/s"


def duration(value_s: float) -> str:
    """`0.4 ms`, `1.84 s`, `12 min`."""
    if abs(value_s) >= 120:
        return f"{value_s / 60:.0f} min"
    if abs(value_s) >= 1 or not math.isfinite(value_s):
        return f"{number(value_s)} s"
    if abs(value_s) >= 1e-4 or not value_s:
        return f"{number(value_s * 1e3)} ms"
    return f"{number(value_s * 1e6, 2)} µs"


def percent(ratio: float) -> str:
    """`31 %`, `0.4 %`."""
    return f"{number(ratio * 100, 2)} %"


def times(ratio: float) -> str:
    """`x3.13`: what changed is divided by."""
    return f"x{number(ratio)}" if ratio >= 10 or not math.isfinite(ratio) else f"x{ratio:.2f}"


def interval(low: float, high: float) -> str:
    """`2.91 to 3.36`, or `at least 2.91` while the upper end is not known."""
    if not math.isfinite(high):
        return f"at least {low:.2f}"
    return f"{low:.2f} to {high:.2f}" if high < 10 else f"{number(low)} to {number(high)}"


def names(texts: list[str] | tuple[str, ...], most: int) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown
