from __future__ import annotations

import random
from math import comb
from typing import TYPE_CHECKING

import pytest
from queue_shapes import RATES_RPS, SHAPES, search_drawn
from simulator import Simulator

from pinchpoint.load.limits import NORMAL

if TYPE_CHECKING:
    from queue_shapes import Run

DRAWN = 30
LEAST_SHARE = 0.9
FALSE_ALARM = 1e-4
"""How often a search that is just good enough may fail the test."""


def fewest_good(runs: int) -> int:
    """The number of good runs that a search with LEAST_SHARE misses in FALSE_ALARM of all tests."""
    miss, good = 0.0, -1
    while miss <= FALSE_ALARM:
        good += 1
        miss += comb(runs, good) * LEAST_SHARE**good * (1 - LEAST_SHARE) ** (runs - good)
    return good


def told(runs: list[Run]) -> str:
    return "\n".join(
        f"seed {run.seed}: {run.shape} of {run.truth_rps:.0f}/s, {run.error_ratio:+.1%} after"
        f" {run.duration_s:.0f} s, {run.capacity.state}"
        for run in runs
    )


def test_on_applications_drawn_now_nine_of_ten_runs_are_within_5_percent_and_a_minute() -> None:
    first = random.SystemRandom().randrange(10**9)
    runs = [search_drawn(first + number, 0.01, NORMAL) for number in range(DRAWN)]
    bad = [run for run in runs if abs(run.error_ratio) > 0.05 or run.duration_s > 60]
    assert DRAWN - len(bad) >= fewest_good(DRAWN), told(bad)


def test_the_margin_of_the_test_above_is_a_binomial_one() -> None:
    assert fewest_good(40) == 28
    assert fewest_good(1000) > 860


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_capacity_that_it_was_drawn_for(shape: str) -> None:
    facts = SHAPES[shape](random.Random(shape))
    facts.pop("is_async", None)
    assert 0.5 * RATES_RPS[0] < Simulator(**facts).capacity_rps <= 1.001 * RATES_RPS[1]


def test_a_pool_with_a_slot_for_each_worker_limits_nothing() -> None:
    pool = Simulator(servers=4, service_s=0.01, shared_s=0.01, shared_slots=4)
    assert pool.capacity_rps == pytest.approx(4 / 0.02)


def test_one_lock_for_many_workers_is_what_limits() -> None:
    lock = Simulator(servers=400, service_s=0.01, shared_s=0.01)
    assert lock.capacity_rps == pytest.approx(100)
