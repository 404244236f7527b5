"""What the probe costs: CPU per request with and without, in the same process."""

from __future__ import annotations

import math
import random
import sqlite3
import statistics
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from pinchpoint.launch.guardian import guard
from pinchpoint.launch.services import postgresql
from pinchpoint.stats.intervals import Interval, mean_interval
from probe_server import SERVERS, serve
from rows import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATHS = ("/hello", "/one", "/ten")
BURST = 10
"""Requests of one arm in a row: enough to average over, few enough for a quiet moment."""
WARM_UP = 200
ITEMS = 1000
"""Rows of the table."""
TRIMMED_RATIO = 0.2
"""Of the pairs at either end: a burst that was interrupted says nothing of the probe."""

PAIRS = {False: 60, True: 20}
RESTARTS = {False: 10, True: 4}
REQUESTS = {False: 400, True: 200}
"""By whether it is to be quick: pairs of bursts, starts of each arm, requests after each start."""
BARS = {"/hello": 0.90, "postgresql": 0.96, "sqlite": 0.93}
DORMANT_BAR = 0.99
REQUEST_BAR_US, SPAN_BAR_US = 20, 2
SPANS = {"django": 10, "flask": 30, "fastapi": 30}
"""Records that /ten has more than /hello: statements; under SQLAlchemy also each checkout and
rollback."""

Pairs = dict[str, list[tuple[float, float]]]


def recording(is_quick: bool) -> Iterator[Row]:  # noqa: FBT001  # the benchmark's only knob
    """Efficiency while recording, for each framework, database and endpoint, beside the A/A."""
    with databases() as urls:
        for framework in SERVERS:
            for database, url in urls.items():
                null = recording_pairs(framework, url, PAIRS[is_quick], is_null=True)
                pairs = recording_pairs(framework, url, PAIRS[is_quick])
                name = f"{framework} on {database}"
                for path in PATHS:
                    bar = BARS.get(path) or BARS[database]
                    note = "A/A {:.3f} ({:.3f} to {:.3f})".format(*efficiency(null[path]))
                    yield _judged(f"efficiency, {name}, {path}", pairs[path], bar, note)
                yield from _costs(name, SPANS[framework], pairs)


def dormant(is_quick: bool) -> Iterator[Row]:  # noqa: FBT001  # as above
    """Efficiency with the probe inside and nothing recorded, against no probe at all."""
    with databases() as urls:
        for framework in SERVERS:
            pairs = restart_pairs(
                framework, urls["postgresql"], RESTARTS[is_quick], REQUESTS[is_quick]
            )
            for path in PATHS:
                yield _judged(f"dormant, {framework}, {path}", pairs[path], DORMANT_BAR, "")


def _judged(name: str, pairs: Sequence[tuple[float, float]], bar: float, note: str) -> Row:
    """A row that is met, or missed, only where the whole interval lies on one side of the bar."""
    found = efficiency(pairs)
    is_decided = not found.low < bar <= found.high
    note = note if is_decided else f"{note} inconclusive".strip()
    return Row(
        name=name,
        value=found.value,
        low=found.low,
        high=found.high,
        n=len(pairs),
        bar=bar,
        met=found.low >= bar if is_decided else None,
        note=note,
    )


def _costs(name: str, spans: int, pairs: Pairs) -> Iterator[Row]:
    """Microseconds per request, from the endpoint that does nothing, and per span."""
    request = added_s(pairs["/hello"])
    ten = added_s(pairs["/ten"])
    yield at_most(
        f"us per request, {name}",
        Interval(*(1e6 * end for end in request)),
        n=len(pairs["/hello"]),
        bar=REQUEST_BAR_US,
    )
    per_span_us = [1e6 * (end - request.value) / spans for end in ten]
    yield at_most(
        f"us per span, {name}", Interval(*per_span_us), n=len(pairs["/ten"]), bar=SPAN_BAR_US
    )


@contextmanager
def databases() -> Iterator[Mapping[str, str]]:
    """URLs of a private PostgreSQL and an SQLite file with the same table."""
    with guard() as guardian, tempfile.TemporaryDirectory(prefix="pinchpoint-") as folder:
        url = postgresql.start(guardian).url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
            connection.execute(
                "INSERT INTO item SELECT n, 'item ' || n FROM generate_series(1, %s) n", (ITEMS,)
            )
        file = Path(folder) / "shop.db"
        with sqlite3.connect(file) as small:
            small.execute("CREATE TABLE item (id integer PRIMARY KEY, name text)")
            rows = ((number, f"item {number}") for number in range(1, ITEMS + 1))
            small.executemany("INSERT INTO item VALUES (?, ?)", rows)
        small.close()
        yield {
            "postgresql": url.replace("postgresql://", "postgresql+psycopg://", 1),
            "sqlite": f"sqlite:///{file}",
        }


def recording_pairs(framework: str, url: str, pairs: int, *, is_null: bool = False) -> Pairs:
    """CPU seconds per request (without, with) recording, by path, in pairs of bursts.

    The order within a pair is drawn. With `is_null` both arms are without: the A/A.
    """
    dice = random.Random(framework + url)  # noqa: S311  # an order of bursts, not a secret
    found: Pairs = defaultdict(list)
    with (
        tempfile.TemporaryDirectory(prefix="pinchpoint-") as folder,
        serve(framework, url, Path(folder)) as server,
    ):
        for path in PATHS:
            server.get(path, WARM_UP, is_recorded=True)
        for _ in range(pairs):
            for path in PATHS:
                cost_s = {
                    arm: server.get(path, BURST, is_recorded=arm and not is_null) / BURST
                    for arm in dice.sample((False, True), 2)
                }
                found[path].append((cost_s[False], cost_s[True]))
    return found


def restart_pairs(framework: str, url: str, restarts: int, requests: int) -> Pairs:
    """CPU seconds per request (absent, dormant), by path, in pairs of freshly started apps."""
    dice = random.Random(framework)  # noqa: S311  # an order of starts, not a secret
    found: Pairs = defaultdict(list)
    for _ in range(restarts):
        costs_s = {
            arm: _cost_s(framework, url, requests, is_injected=arm)
            for arm in dice.sample((False, True), 2)
        }
        for path in PATHS:
            found[path].append((costs_s[False][path], costs_s[True][path]))
    return found


def _cost_s(framework: str, url: str, requests: int, *, is_injected: bool) -> Mapping[str, float]:
    """The median burst of each path, per request."""
    with (
        tempfile.TemporaryDirectory(prefix="pinchpoint-") as folder,
        serve(framework, url, Path(folder), is_injected=is_injected) as server,
    ):
        for path in PATHS:
            server.get(path, WARM_UP, is_recorded=False)
        bursts: dict[str, list[float]] = defaultdict(list)
        for _ in range(requests // BURST):
            for path in PATHS:
                bursts[path].append(server.get(path, BURST, is_recorded=False) / BURST)
    return {path: statistics.median(costs_s) for path, costs_s in bursts.items()}


def efficiency(pairs: Sequence[tuple[float, float]]) -> Interval:
    """Without over with: 1 if the probe costs nothing. A trimmed geometric mean of the pairs."""
    logs = _trimmed([math.log(without / with_) for without, with_ in pairs])
    return Interval(*(math.exp(end) for end in mean_interval(logs)))


def added_s(pairs: Sequence[tuple[float, float]]) -> Interval:
    """CPU seconds per request that the probe adds: a trimmed mean of the pairs."""
    return mean_interval(_trimmed([with_ - without for without, with_ in pairs]))


def _trimmed(values: list[float]) -> list[float]:
    cut = int(TRIMMED_RATIO * len(values))
    low, high = sorted(values)[cut], sorted(values)[-1 - cut]
    return [one for one in values if low <= one <= high]
