from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from simulator import Simulator, share_of_seeds

from pinchpoint.load.staircase import QUICK, find_objective_rate, judge_rate, meets
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.objective import parse_objective
from pinchpoint.model.workload import Arrivals

if TYPE_CHECKING:
    from pinchpoint.model.objective import Objective, ObjectiveResult

SERVICE_S = 0.02
P99_400MS = parse_objective("p99<400ms")
TRUE_RPS = 1 / SERVICE_S - math.log(100) / 0.4
"""M/M/1: the response time is exponential with rate 1/S - lambda: 38.5 of 50 requests/s."""


def one_worker(seed: int = 1, **options: float) -> Simulator:
    return Simulator(servers=1, service_s=SERVICE_S, seed=seed, **options)  # type: ignore[arg-type]


def capacity(rate_rps: float = 1 / SERVICE_S) -> Capacity:
    return Capacity(
        rate_rps=rate_rps,
        low_rps=0.98 * rate_rps,
        high_rps=1.02 * rate_rps,
        in_flight=2,
        state=CapacityState.SATURATED,
    )


def find(simulator: Simulator, objective: Objective) -> ObjectiveResult:
    return find_objective_rate(simulator, objective, capacity())


def test_nine_of_ten_runs_are_within_a_quarter_of_the_rate_that_theory_gives() -> None:
    def is_near(seed: int) -> bool:
        return find(one_worker(seed), P99_400MS).rate_rps == pytest.approx(TRUE_RPS, rel=0.25)

    assert share_of_seeds(is_near, 12) >= 0.9


def test_the_interval_holds_the_estimate() -> None:
    found = find(one_worker(), P99_400MS)
    assert found.is_met
    assert 0 < found.low_rps < found.rate_rps < found.high_rps


def test_a_tight_objective_is_met_at_a_low_rate_only() -> None:
    tight = parse_objective("p99<100ms")  # 92 ms without any queue
    assert 0 < find(one_worker(), tight).rate_rps < 0.25 / SERVICE_S


def test_an_objective_below_the_service_time_is_met_nowhere() -> None:
    found = find(one_worker(), parse_objective("p99<40ms"))
    assert not found.is_met
    assert (found.rate_rps, found.met_trials) == (0.0, 0)


def test_a_loose_objective_is_bounded_by_the_capacity() -> None:
    assert 0.85 < find(one_worker(), parse_objective("p99<60s")).rate_rps * SERVICE_S <= 1


def test_errors_alone_can_break_an_objective() -> None:
    refusing = one_worker(fails_above=0)
    assert not find(refusing, parse_objective("errors<1%")).is_met
    assert not find(refusing, parse_objective("p99<1s,errors<1%")).is_met


@pytest.mark.parametrize(("ratio", "is_met"), [(0.6, True), (1.1, False)])
def test_one_rate_is_judged_by_the_median_trial(*, ratio: float, is_met: bool) -> None:
    judged = judge_rate(one_worker(), P99_400MS, ratio / SERVICE_S, 2)
    assert judged.is_met is is_met
    assert judged.rate_rps == ratio / SERVICE_S
    assert judged.trials % 2 == 1


def test_a_step_without_requests_meets_nothing() -> None:
    step = one_worker().open(Arrivals(rate_rps=1e-9, duration_s=1.0), "slo")
    assert not meets(step, parse_objective("errors<100%"), 2)


def test_the_quick_form_takes_less_than_a_minute() -> None:
    simulator = one_worker()
    find_objective_rate(simulator, P99_400MS, capacity(), limits=QUICK)
    assert simulator.now_s < 60
    assert set(simulator.purposes) == {"slo"}
