"""Two runs side by side: what is said, what counts as a regression, what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from reports import HEALTHY, INDEX, N_PLUS_ONE, SICK, VOID

from pinchpoint.model.capacity import CapacityState
from pinchpoint.report.compare import Side, compare, regressions
from pinchpoint.report.compare_text import as_text, history_line
from pinchpoint.stats.intervals import Interval

if TYPE_CHECKING:
    from pinchpoint.model.report import Report

FAST = Interval(0.010, 0.0098, 0.0102)


def side(report: Report = HEALTHY, *, rate_rps: float = 100.0, **medians_s: Interval) -> Side:
    """A run that saturates, its rate known to 2 %; endpoints are `GET /name`."""
    capacity = replace(
        report.capacity,
        state=CapacityState.SATURATED,
        rate_rps=rate_rps,
        low_rps=0.98 * rate_rps,
        high_rps=1.02 * rate_rps,
    )
    return Side(
        report=replace(report, capacity=capacity),
        medians_s={f"GET /{name}": median_s for name, median_s in medians_s.items()},
    )


def slower(factor: float, spread: float = 1.0) -> Interval:
    return Interval(factor * FAST.value, factor * FAST.low / spread, factor * FAST.high * spread)


def test_the_ratio_of_the_capacities_has_an_interval() -> None:
    ratio = compare(side(rate_rps=100), side(rate_rps=80)).capacity
    assert ratio is not None
    assert ratio.value == pytest.approx(0.8)
    assert (ratio.low, ratio.high) == pytest.approx((0.778, 0.823), abs=1e-3)  # sqrt(2) * 2 %


def test_a_run_is_no_regression_against_itself() -> None:
    one = side(SICK, a=FAST, b=slower(3))
    same = compare(one, one)
    assert regressions(same) == ()
    assert (same.new, same.gone, same.changed, same.caveats) == ((), (), (), ())


def test_less_capacity_is_a_regression() -> None:
    (found,) = regressions(compare(side(rate_rps=100), side(rate_rps=80)))
    assert found.startswith("the capacity is x0.80 (95 %: ")


def test_more_capacity_is_none() -> None:
    assert regressions(compare(side(rate_rps=100), side(rate_rps=200))) == ()


def test_what_two_runs_of_the_same_would_differ_by_is_none() -> None:
    assert regressions(compare(side(rate_rps=100), side(rate_rps=93))) == ()


def test_the_noise_is_the_users_to_choose() -> None:
    comparison = compare(side(rate_rps=100), side(rate_rps=93))
    assert len(regressions(comparison, noise_ratio=0.02)) == 1


def test_a_slower_endpoint_is_a_regression() -> None:
    (found,) = regressions(compare(side(a=FAST, b=FAST), side(a=FAST, b=slower(1.5))))
    assert found.startswith("GET /b takes x1.50 ")


def test_a_slower_endpoint_that_is_not_known_well_is_none() -> None:
    assert regressions(compare(side(a=FAST), side(a=slower(1.5, spread=2)))) == ()


def test_a_capacity_that_was_not_found_is_not_compared() -> None:
    unsure = side()
    capacity = replace(unsure.report.capacity, state=CapacityState.UNSTABLE)
    unsure = replace(unsure, report=replace(unsure.report, capacity=capacity))
    assert compare(unsure, side()).capacity is None
    assert compare(side(), side(VOID)).capacity is None


def test_findings_are_new_gone_or_changed() -> None:
    large, moved = replace(INDEX, mix_share_ratio=0.6), replace(INDEX, mix_share_ratio=0.2)
    before = side(replace(SICK, findings=(large, N_PLUS_ONE)))
    after = side(replace(SICK, findings=(moved,)))
    found = compare(before, after)
    assert (found.new, found.gone, found.changed) == ((), (N_PLUS_ONE,), ((large, moved),))
    assert compare(after, before).new == (N_PLUS_ONE,)


def test_a_finding_that_moved_some_lines_is_the_same() -> None:
    assert N_PLUS_ONE.location is not None
    moved = replace(N_PLUS_ONE, location=replace(N_PLUS_ONE.location, line=99))
    before = side(replace(SICK, findings=(N_PLUS_ONE,)))
    found = compare(before, side(replace(SICK, findings=(moved,))))
    assert (found.new, found.gone, found.changed) == ((), (), ())


@pytest.mark.parametrize(
    ("after", "caveat"),
    [
        (side(replace(HEALTHY, environment={**HEALTHY.environment, "cores": "64"})), "cores"),
        (side(replace(HEALTHY, is_outside=True)), "only one of the two runs had the probe"),
        (side(a=FAST, b=FAST), "the mixes differ: only after had GET /a, GET /b"),
    ],
)
def test_what_makes_two_runs_incomparable_is_said(after: Side, caveat: str) -> None:
    (said,) = compare(side(), after).caveats
    assert said.startswith(caveat)


def test_the_text_begins_with_the_capacity_and_names_what_moved() -> None:
    before = side(replace(SICK, findings=(INDEX,)), a=FAST, b=FAST, c=FAST)
    after = side(rate_rps=200, a=slower(2), b=slower(0.5), c=FAST)
    lines = as_text(compare(before, after)).splitlines()
    assert lines[3].startswith("CAPACITY   x2.00 (95 %: ")
    assert lines[4].startswith("SLOWER     GET /a: 10 ms → 20 ms, x2.00 ")
    assert lines[5].startswith("FASTER     GET /b: 10 ms → 5 ms, x0.50 ")
    assert lines[6].startswith(f"GONE       {INDEX.code} ")
    assert not [line for line in lines if "GET /c:" in line]


def test_the_history_names_codes_once() -> None:
    line = history_line(replace(SICK, findings=(INDEX, INDEX, N_PLUS_ONE)))
    assert f"{INDEX.code}, {N_PLUS_ONE.code}" in line
    assert "void" in history_line(VOID)
    assert "no findings" in history_line(HEALTHY)
