"""Geometry of the page's pictures: from figures to pixels, nothing of their looks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pinchpoint.model.report import WallPoint
from pinchpoint.model.span import Category
from pinchpoint.report.words import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pinchpoint.model.budget import BlameEntry
    from pinchpoint.model.report import Report
    from pinchpoint.model.trial import Effect, Trial

WIDEST_BAR_PX = 34.0
LEAST_SHARE_RATIO = 0.001
"""Thinner parts of a stacked bar would be less than a pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A straight or logarithmic axis."""

    low: float
    high: float
    start_px: float
    end_px: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies; values beyond the ends lie on them."""
        value = min(max(value, self.low), self.high)
        low, high, at = (
            map(math.log, (self.low, self.high, value))
            if self.is_log
            else (self.low, self.high, value)
        )
        share = (at - low) / (high - low) if high > low else 0.0
        return round(self.start_px + share * (self.end_px - self.start_px), 1)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Round values for a handful of lines."""
        return _log_ticks(self.low, self.high) if self.is_log else _ticks(self.low, self.high)


def _ticks(low: float, high: float) -> tuple[float, ...]:
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return tuple(
        round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)
    )


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 1.5, 2, 3, 5, 7) if high < 10 * low else (1,)
    values = (round(factor * 10.0**decade, 12) for decade in decades for factor in factors)
    return tuple(value for value in values if low <= value <= high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One part of a stacked bar.

    Attributes:
        category: Decides on the colour.
        start: Where it begins, in the unit of the parts.
        size: Its length.
        share_ratio: Of the whole bar.
    """

    category: Category
    label: str
    start: float
    size: float
    share_ratio: float


def stack(parts_s: Mapping[Category, float] | Mapping[str, float]) -> tuple[Segment, ...]:
    """The parts of a stacked bar, in the order of a request's way through the application."""
    parts = {str(name): max(0.0, size) for name, size in parts_s.items()}
    total = sum(parts.values())
    segments, start = [], 0.0
    for category, label in CATEGORIES.items():
        size = parts.get(category.value, 0.0)
        if total and size / total >= LEAST_SHARE_RATIO:
            segments.append(
                Segment(
                    category=category,
                    label=label,
                    start=start,
                    size=size,
                    share_ratio=size / total,
                )
            )
        start += size
    return tuple(segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """Three panels over one axis of offered load.

    Attributes:
        points: By rising load.
        x: Offered rate.
        throughput: Completed rate, to the same scale as `x` so that the ideal is a straight line.
        response: Response time, logarithmic.
        layers: Mean time, stacked.
        bar_px: Width of a stacked bar.
    """

    points: tuple[WallPoint, ...]
    x: Scale
    throughput: Scale
    response: Scale
    layers: Scale
    bar_px: float


def wall(report: Report) -> Wall | None:
    """Lay out the picture of the wall; None without a load step that was observed."""
    points = tuple(sorted(report.wall_points, key=lambda point: point.rate_rps))
    if not points:
        return None
    most_rps = 1.08 * max(report.capacity.high_rps, *(p.rate_rps for p in points), 1e-3)
    times = [time for point in points for time in (point.p50_s, point.p99_s) if time > 0]
    x = Scale(low=0, high=most_rps, start_px=64, end_px=704)
    tallest = max(sum(point.parts_s.values()) for point in points)
    return Wall(
        points=points,
        x=x,
        throughput=Scale(low=0, high=most_rps, start_px=134, end_px=28),
        response=Scale(
            low=min(times, default=1e-3) / 1.5,
            high=max(times, default=1) * 1.5,
            start_px=282,
            end_px=172,
            is_log=True,
        ),
        layers=Scale(low=0, high=1.05 * tallest or 1, start_px=492, end_px=320),
        bar_px=_bar_px([x(point.rate_rps) for point in points if point.parts_s]),
    )


def _bar_px(centres: Sequence[float]) -> float:
    gaps = [right - left for left, right in pairwise(centres)]
    return max(4.0, min([WIDEST_BAR_PX, *(0.8 * gap for gap in gaps)]))


def forest(effects: Iterable[Effect]) -> Scale:
    """One logarithmic axis for all effects, with x1 inside."""
    ends = [
        end
        for effect in effects
        for end in (effect.low_ratio, effect.ratio, effect.high_ratio)
        if 0 < end < math.inf
    ]
    low, high = min([0.8, *ends]), max([1.25, *ends])
    return Scale(low=low / 1.08, high=high * 1.08, start_px=8, end_px=352, is_log=True)


def pairs(trial: Trial) -> tuple[Scale, Scale]:
    """The axes of the pairs of one experiment: number of the pair, requests/s from zero."""
    most_rps = max((max(pair) for pair in trial.block_rates), default=0.0) * 1.1 or 1.0
    x = Scale(low=-0.5, high=len(trial.block_rates) - 0.5, start_px=44, end_px=396)
    return x, Scale(low=0, high=most_rps, start_px=112, end_px=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Who made whom wait.

    Attributes:
        holders: Rows, the worst first.
        victims: Columns, the worst first.
        wait_s: By (holder, victim).
    """

    holders: tuple[str, ...]
    victims: tuple[str, ...]
    wait_s: Mapping[tuple[str, str], float]

    def heat_ratio(self, holder: str, victim: str) -> float:
        """The cell's wait as a share of the worst cell's."""
        return self.wait_s.get((holder, victim), 0.0) / max(self.wait_s.values())


def waits(blame: Sequence[BlameEntry]) -> Waits | None:
    """Sum the waiting over resources and lines; None if nobody waited."""
    cells: dict[tuple[str, str], float] = {}
    for entry in blame:
        cell = entry.holder, entry.victim
        cells[cell] = cells.get(cell, 0.0) + entry.wait_s
    if not any(cells.values()):
        return None
    return Waits(
        holders=_by_wait(cells, 0),
        victims=_by_wait(cells, 1),
        wait_s=cells,
    )


def _by_wait(cells: Mapping[tuple[str, str], float], side: int) -> tuple[str, ...]:
    totals: dict[str, float] = {}
    for cell, wait_s in cells.items():
        totals[cell[side]] = totals.get(cell[side], 0.0) + wait_s
    return tuple(sorted(totals, key=lambda endpoint: (-totals[endpoint], endpoint)))
