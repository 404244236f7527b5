"""A test of pairs that may be looked at after every pair: an e-process and its inversion.

Each pair measures two arms in random order and gives one log ratio. If the arms do not
differ, the sign of a log ratio is a fair coin whatever its magnitude is, so the product of
the bets below has mean 1 at any time, and exceeds 1/alpha with a probability of at most
alpha (Ville, 1939). Nothing is assumed of the noise: not normal, not stationary, not
independent in size (the sign-symmetric martingale of de la Peña, Ann. Probab. 27(1), 1999).
"""

from __future__ import annotations

import math
from bisect import insort
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

BETS = (0.3, 0.6, 1.0, 1.6, 2.5)
"""How much is staked on each sign, in standard deviations; small bets find small effects in
many pairs, large ones find large effects in ten."""
NORMAL_MAD_RATIO = 0.6745
"""Median absolute deviation of a normal distribution over its standard deviation."""
LARGEST_SIZE = 20.0
"""In standard deviations; beyond it a bet has won or lost all that matters."""
FARTHEST_DOUBLING = 5
"""Shifted by 32 times their spread, all log ratios have one sign and nearly one size."""
BISECTIONS = 8
"""They place an end of the interval to 1/256 of its distance from the median."""


def e_value(log_ratios: Sequence[float]) -> float:
    """The evidence after the last pair that the two arms differ, in either direction.

    Args:
        log_ratios: log(changed / baseline) of each pair, in the order of measuring.

    Returns:
        At least 0; 1 without evidence. Reject equality at level alpha from 1/alpha on.
    """
    *_, last = _e_values(log_ratios)
    return last


def confidence_sequence(log_ratios: Sequence[float], alpha: float) -> tuple[float, float]:
    """The shifts that no look at the pairs so far has rejected.

    The interval covers the true log ratio at all times together with a probability of at
    least 1 - alpha, so that it may be looked at after every pair.

    Args:
        log_ratios: log(changed / baseline) of each pair, in the order of measuring.
        alpha: 1 - coverage, such as 0.01.

    Returns:
        Lower and upper end. Infinite while there are too few pairs to exclude anything (10
        at 1 %), and if the pairs contradict every common ratio, their own median included.
    """
    center = median(log_ratios) if log_ratios else 0.0

    def is_accepted(shift: float) -> bool:
        shifted = (ratio - shift for ratio in log_ratios)
        return all(value < 1 / alpha for value in _e_values(shifted))

    spread = max((abs(ratio - center) for ratio in log_ratios), default=0.0) or 1e-9
    if not is_accepted(center):
        return -math.inf, math.inf
    return (
        _last_accepted(is_accepted, center, -spread),
        _last_accepted(is_accepted, center, spread),
    )


def _e_values(log_ratios: Iterable[float]) -> Iterator[float]:
    """The e-value before the first pair and after each."""
    sizes: list[float] = []
    wins = losses = [1.0] * len(BETS)
    yield 1.0
    for ratio in log_ratios:
        insort(sizes, abs(ratio))
        half = len(sizes) // 2
        scale = (sizes[half] + sizes[~half]) / 2 / NORMAL_MAD_RATIO
        payoffs = _payoffs(ratio, scale)
        wins = [wealth * payoff for wealth, payoff in zip(wins, payoffs, strict=True)]
        losses = [wealth * (2 - payoff) for wealth, payoff in zip(losses, payoffs, strict=True)]
        yield (sum(wins) + sum(losses)) / (2 * len(BETS))


def _payoffs(ratio: float, scale: float) -> list[float]:
    """What 1 becomes when each bet stakes it on a positive sign; on a negative one 2 less it."""
    size = abs(ratio) / scale if scale else LARGEST_SIZE * bool(ratio)
    exponent = -2 * math.copysign(min(size, LARGEST_SIZE), ratio)
    return [2 / (1 + math.exp(bet * exponent)) for bet in BETS]


def _last_accepted(is_accepted: Callable[[float], bool], center: float, spread: float) -> float:
    """The end of the accepted shifts on the side of `spread`, sought from the outside."""
    outside = center + math.ldexp(spread, FARTHEST_DOUBLING)
    if is_accepted(outside):
        return math.copysign(math.inf, spread)
    inside = center + math.ldexp(spread, FARTHEST_DOUBLING - 1)
    while not is_accepted(inside) and abs(inside - center) > 1e-9:
        outside, inside = inside, (inside + center) / 2
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_accepted(middle) else (inside, middle)
    return outside
