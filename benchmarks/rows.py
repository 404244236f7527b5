"""The rows of a benchmark: a figure, its interval, its bar; as a table and as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pinchpoint.stats.intervals import Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class NotRunError(Exception):
    """A row cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured, with its unit.
        value: The figure; None if it could not be measured.
        low: Lower end of its 95 % interval, or the smallest of several values.
        high: Upper end, or the largest.
        n: How many pairs, windows or requests stand behind it.
        bar: What it has to reach; None if it only stands beside the others.
        met: Whether it does; None if there is no value or no bar.
        note: What the reader should know.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    bar: float | None = None
    met: bool | None = None
    note: str = ""


def at_least(name: str, found: Interval, *, n: int, bar: float, note: str = "") -> Row:
    """A row whose value has to reach its bar."""
    value, low, high = found
    return Row(
        name=name, value=value, low=low, high=high, n=n, bar=bar, met=value >= bar, note=note
    )


def at_most(name: str, found: Interval, *, n: int, bar: float, note: str = "") -> Row:
    """A row whose value may not exceed its bar."""
    value, low, high = found
    return Row(
        name=name, value=value, low=low, high=high, n=n, bar=bar, met=value <= bar, note=note
    )


def geometric_mean(ratios: Sequence[float]) -> Interval:
    """The mean ratio with its interval: of the logarithms, transformed back."""
    return Interval(*(math.exp(end) for end in mean_interval([math.log(one) for one in ratios])))


def spread(values: Sequence[float], value: float) -> Interval:
    """A figure between the smallest and the largest of several."""
    return Interval(value, min(values), max(values))


def write(file: Path, rows: Sequence[Row]) -> None:
    """Put rows into a file; those of the same name are replaced, the others stay."""
    before = json.loads(file.read_text("utf-8"))["rows"] if file.exists() else []
    merged = {row["name"]: row for row in before} | {row.name: asdict(row) for row in rows}
    report = {"environment": _environment(), "rows": [*merged.values()]}
    file.write_text(json.dumps(report, indent=1), "utf-8")


def _environment() -> dict[str, str]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "load_average": str(os.getloadavg()[0]),
    }


def show(rows: Sequence[Row], duration_s: float) -> None:
    """Print the table."""
    table = Table("", "value", "from", "to", "n", "bar", "met", "note")
    for row in rows:
        met = {True: "yes", False: "NO", None: ""}[row.met]
        figures = [figure(one) for one in (row.value, row.low, row.high)]
        table.add_row(row.name, *figures, str(row.n), figure(row.bar), met, row.note)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(f"{duration_s / 60:.1f} minutes")


def figure(value: float | None) -> str:
    """Four digits; nothing where nothing was measured."""
    return "" if value is None else f"{value:.4g}"


def report(measured: Iterable[tuple[str, Row]], file: Path | None) -> int:
    """Print and keep each row as soon as it is there, then the table; the exit status.

    Args:
        measured: The rows, each with the name of what was asked for.
        file: Where to write them; None to keep none.
    """
    begin_s = time.monotonic()
    rows: list[Row] = []
    for name, row in measured:
        print(f"{name}: {row.name}: {figure(row.value)} {row.note}", flush=True)
        rows.append(row)
        if file:
            write(file, rows)
    show(rows, time.monotonic() - begin_s)
    return 0 if is_met(rows) else 1


def is_met(rows: Sequence[Row]) -> bool:
    """Whether each row has a value and none misses its bar."""
    return all(row.value is not None and row.met is not False for row in rows)
