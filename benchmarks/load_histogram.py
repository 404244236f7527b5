"""What the histogram that travels between machines costs, and how exact it is."""

from __future__ import annotations

import random
from time import process_time_ns
from typing import TYPE_CHECKING

from pinchpoint.stats.histogram import Histogram
from pinchpoint.stats.quantiles import quantile
from rows import Row, at_most, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from load_rows import Effort, Tools

VALUES = 200_000
ROUNDS = 9
ERROR_BAR = 0.000_5
RECORD_BAR_NS = 150.0
SHARES = (0.5, 0.75, 0.9, 0.99, 0.999)
WORKERS = (1, 2, 3, 8, 32)


def histogram(_: Tools, __: Effort) -> Iterator[Row]:
    """A log-normal body with a uniform tail, as response times have."""
    values = _values_ns()
    whole = Histogram(values)
    errors = [_error_ratio(whole, values, share) for share in SHARES]
    yield at_most(
        "histogram error, ratio", spread(errors, max(errors)), n=len(values), bar=ERROR_BAR
    )
    costs_ns = sorted(_cost_ns(values) for _ in range(ROUNDS))
    yield at_most(
        "histogram, CPU ns per record",
        spread(costs_ns, costs_ns[ROUNDS // 2]),
        n=ROUNDS,
        bar=RECORD_BAR_NS,
    )
    unlike = [workers for workers in WORKERS if not _merges_equal(whole, values, workers)]
    yield Row(
        name="histogram, worker counts whose merge differs",
        value=len(unlike),
        n=len(WORKERS),
        bar=0,
        met=not unlike,
    )


def _values_ns() -> Sequence[int]:
    dice = random.Random(1)  # noqa: S311  # made up response times, not a secret
    return [
        round(dice.uniform(1e7, 1e9) if dice.random() < 0.05 else dice.lognormvariate(14.5, 0.6))
        for _ in range(VALUES)
    ]


def _error_ratio(counted: Histogram, values: Sequence[int], share: float) -> float:
    true = quantile(values, share)
    return abs(counted.quantile(share) - true) / true


def _cost_ns(values: Sequence[int]) -> float:
    """CPU time of one record, handed over all at once as an engine does."""
    begin_ns = process_time_ns()
    Histogram(values)
    return (process_time_ns() - begin_ns) / len(values)


def _merges_equal(whole: Histogram, values: Sequence[int], workers: int) -> bool:
    """Whether parts that travelled as bytes merge to the same bytes."""
    merged = Histogram()
    for worker in range(workers):
        merged.merge(Histogram.from_bytes(Histogram(values[worker::workers]).to_bytes()))
    return merged.to_bytes() == whole.to_bytes()
