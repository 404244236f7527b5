"""Where the warm-up of a series ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BIN_VALUES = 2
"""Neighbours are averaged before the rule is applied: less noise in what is cut."""


def steady_start(values: Sequence[float]) -> int | None:
    """Find how many values at the beginning of a series belong to its warm-up.

    MSER: cut where the estimated variance of the mean of the rest, its sum of squares over
    its length squared, is the least (White, Simulation 69(6), 1997); at most half is cut.

    Args:
        values: One for each equally long time, such as completions per half second.

    Returns:
        The number of values to cut; None if the best cut is at the half, which means that
        the series has not become steady, or if there are fewer than eight values.
    """
    bins = [
        (values[at] + values[at + 1]) / BIN_VALUES for at in range(0, len(values) - 1, BIN_VALUES)
    ]
    half = len(bins) // 2
    if half < 2:
        return None
    scores = [_score(bins[cut:]) for cut in range(half + 1)]
    best = min(range(half + 1), key=scores.__getitem__)
    return None if best == half else best * BIN_VALUES


def _score(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / len(values) ** 2
