"""Which request comes next."""

from __future__ import annotations

import itertools
import random
from bisect import bisect
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK_REQUESTS = 100
"""In each block the endpoints have their exact shares, which removes the mix from the
differences between two arms."""
GOLDEN_RATIO = 0.6180339887498949
"""Multiples of it, modulo 1, are spread as evenly as can be."""


def request_order(
    weights: Sequence[float],
    path_counts: Sequence[int],
    seed: int | str,
    path_weights: Sequence[Sequence[float]] = (),
) -> Iterator[tuple[int, int]]:
    """Draw (template index, path index) for ever; the same seed gives the same sequence.

    A block is a systematic sample: BLOCK_REQUESTS equidistant points on the line of the
    cumulated weights, shifted a little from block to block so that a share that is not a
    whole number of requests is met on average. Its order is shuffled. Paths are drawn
    independently.

    Args:
        weights: Of each template, in any unit; their sum is above 0.
        path_counts: Paths of each template, at least 1.
        seed: Any.
        path_weights: Of the paths of each template, in any unit; none where all are alike.
    """
    if list(path_counts) == [1]:
        yield from itertools.repeat((0, 0))
    draw = random.Random(seed).random  # noqa: S311  # an order of requests, not a secret
    edges = _edges(weights)
    weighted = zip(path_counts, path_weights or [()] * len(path_counts), strict=True)
    choices = [path_choice(count, of_paths) for count, of_paths in weighted]
    for number in itertools.count(1):
        offset = number * GOLDEN_RATIO % 1
        block = [bisect(edges, (slot + offset) / BLOCK_REQUESTS) for slot in range(BLOCK_REQUESTS)]
        _shuffle(block, draw)
        for index in block:
            yield index, choices[index](draw())


def path_choice(count: int, weights: Sequence[float]) -> Callable[[float], int]:
    """Turn a number from 0 to below 1 into the index of a path.

    Args:
        count: Of the paths, at least 1.
        weights: Of each path, in any unit; none if all are alike.
    """
    if not weights:
        return lambda point: int(point * count)
    return partial(bisect, _edges(weights))


def _edges(weights: Sequence[float]) -> list[float]:
    """Where each share ends on a line from 0 to exactly 1, which no drawn number reaches."""
    sums = list(itertools.accumulate(weights))
    return [edge / sums[-1] for edge in sums]


def _shuffle(block: list[int], draw: Callable[[], float]) -> None:
    """As `random.shuffle`, at a third of its cost: it is paid for each request."""
    for last in range(len(block) - 1, 0, -1):
        other = int(draw() * (last + 1))
        block[last], block[other] = block[other], block[last]
