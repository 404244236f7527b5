"""Figures land where they belong."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.model.budget import BlameEntry
from pinchpoint.model.span import Category
from pinchpoint.report import charts
from pinchpoint.report.words import CATEGORIES

POSITIVE = st.floats(min_value=1e-6, max_value=1e6)


def test_a_scale_is_straight() -> None:
    scale = charts.Scale(low=0, high=10, start_px=100, end_px=0)
    assert [scale(0), scale(5), scale(10), scale(99)] == [100, 50, 0, 0]


def test_a_logarithmic_scale_gives_each_decade_its_room() -> None:
    scale = charts.Scale(low=1, high=100, start_px=0, end_px=200, is_log=True)
    assert scale(10) == pytest.approx(100)


def test_ticks_are_round() -> None:
    assert charts.Scale(low=0, high=67, start_px=0, end_px=1).ticks == (0, 20, 40, 60)


@given(POSITIVE, st.booleans())
def test_ticks_lie_on_the_axis(high: float, is_log: bool) -> None:  # noqa: FBT001  # hypothesis
    low = high / 50 if is_log else 0
    ticks = charts.Scale(low=low, high=high, start_px=0, end_px=1, is_log=is_log).ticks
    assert 1 <= len(ticks) <= 12
    assert all(low - 1e-9 <= tick <= high * (1 + 1e-9) for tick in ticks)


def test_parts_are_stacked_in_the_order_of_the_request() -> None:
    queue, sql = charts.stack({Category.SQL: 3.0, Category.QUEUE: 1.0})
    assert (queue.category, queue.start, queue.share_ratio) == (Category.QUEUE, 0, 0.25)
    assert (sql.category, sql.start, sql.size) == (Category.SQL, 1.0, 3.0)


@given(st.dictionaries(st.sampled_from(Category), POSITIVE))
def test_stacked_parts_do_not_exceed_the_whole(parts: dict[Category, float]) -> None:
    assert sum(part.share_ratio for part in charts.stack(parts)) <= 1 + 1e-9


def test_every_category_has_a_place_in_the_stack() -> None:
    assert set(CATEGORIES) == set(Category)


def test_no_load_step_no_picture() -> None:
    assert charts.wall(replace(reports.SICK, wall_points=())) is None


def test_bars_do_not_overlap() -> None:
    points = tuple(reports.point(rate, rate, 1, 2, sql=1) for rate in (50.0, 53.0, 100.0))
    wall = charts.wall(replace(reports.SICK, wall_points=points))
    assert wall is not None
    assert wall.bar_px < wall.x(53.0) - wall.x(50.0)


def test_an_idle_point_is_no_division_by_zero() -> None:
    assert charts.wall(replace(reports.SICK, wall_points=(reports.point(0, 0, 0, 0),)))


def test_waits_are_summed_over_resources() -> None:
    entries = [
        BlameEntry(victim="v", holder="h", resource="pool", wait_s=2.0),
        BlameEntry(victim="v", holder="h", resource="event loop", wait_s=1.0),
        BlameEntry(victim="w", holder="h", resource="pool", wait_s=6.0),
    ]
    waits = charts.waits(entries)
    assert waits is not None
    assert waits.victims == ("w", "v")
    assert waits.heat_ratio("h", "v") == pytest.approx(0.5)


def test_nobody_waited_no_picture() -> None:
    assert charts.waits([]) is None


def test_the_forest_shows_no_effect_and_open_ends() -> None:
    scale = charts.forest([reports.effect(3, 2, math.inf)])
    assert scale.start_px < scale(1) < scale(3) < scale.end_px
    assert scale(math.inf) == scale.end_px
