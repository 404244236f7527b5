"""Which request comes next."""

from __future__ import annotations

import itertools
import random
from bisect import bisect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_REQUESTS = 100
"""In each block the endpoints have their exact shares, which removes the mix from the
differences between two arms."""
GOLDEN_RATIO = 0.6180339887498949
"""Multiples of it, modulo 1, are spread as evenly as can be."""


def request_order(
    weights: Sequence[float], path_counts: Sequence[int], seed: int | str
) -> Iterator[tuple[int, int]]:
    """Draw (template index, path index) for ever; the same seed gives the same sequence.

    A block is a systematic sample: BLOCK_REQUESTS equidistant points on the line of the
    cumulated weights, shifted a little from block to block so that a share that is not a
    whole number of requests is met on average. Its order is shuffled. Paths are drawn
    uniformly.

    Args:
        weights: Of each template, in any unit; their sum is above 0.
        path_counts: Paths of each template, at least 1.
        seed: Any.
    """
    dice = random.Random(seed)  # noqa: S311  # an order of requests, not a secret
    edges = list(itertools.accumulate(weights))
    for number in itertools.count(1):
        offset = number * GOLDEN_RATIO % 1
        points = ((slot + offset) / BLOCK_REQUESTS for slot in range(BLOCK_REQUESTS))
        block = [bisect(edges, point * edges[-1]) for point in points]
        dice.shuffle(block)
        for index in block:
            yield index, int(dice.random() * path_counts[index])
