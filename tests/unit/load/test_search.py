from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulator import Simulator, share_of_seeds

from pinchpoint.load.limits import QUICK
from pinchpoint.load.search import find_saturation
from pinchpoint.model.capacity import CapacityState

if TYPE_CHECKING:
    from pinchpoint.model.capacity import Capacity


def find(simulator: Simulator, *, is_async: bool = False, **options: Any) -> Capacity:
    return find_saturation(simulator, slots=simulator.servers, is_async=is_async, **options)


def test_the_interval_holds_the_truth_on_a_quiet_machine() -> None:
    def is_covered(seed: int) -> bool:
        simulator = Simulator(servers=4, service_s=0.01, cold=0.5, seed=seed)
        capacity = find(simulator)
        return capacity.low_rps <= simulator.capacity_rps <= capacity.high_rps

    assert share_of_seeds(is_covered, 10) >= 0.9


def test_a_sound_run_is_saturated_and_confirmed_at_nine_tenths() -> None:
    capacity = find(Simulator(servers=4, service_s=0.01))
    assert capacity.state is CapacityState.SATURATED
    assert capacity.sustained_rps == pytest.approx(0.9 * capacity.rate_rps)


def test_the_parts_follow_each_other_and_take_their_time() -> None:
    simulator = Simulator(servers=4, service_s=0.01)
    find(simulator, limits=QUICK)
    assert simulator.purposes == ["warm-up", "sweep", "sweep", "sweep", "plateau", "confirm"]
    assert simulator.now_s < 25


def test_the_sweep_goes_on_while_more_in_flight_gain_more() -> None:
    simulator = Simulator(servers=100, service_s=0.2, variation=0.3)
    capacity = find(simulator, is_async=True)
    assert capacity.in_flight >= 100
    assert capacity.rate_rps == pytest.approx(500, rel=0.05)


def test_a_busy_generator_gives_no_capacity() -> None:
    simulator = Simulator(servers=1, service_s=0.001, generator_cpu_s=0.00095)
    capacity = find(simulator)
    assert capacity.state is CapacityState.GENERATOR_LIMITED
    assert "confirm" not in simulator.purposes


def test_an_application_that_answers_errors_is_not_loaded_any_further() -> None:
    simulator = Simulator(servers=4, service_s=0.01, fails_above=4)
    capacity = find(simulator)
    assert capacity.state is CapacityState.FAILED
    assert simulator.purposes == ["warm-up"]
    assert simulator.now_s < 2


def test_an_application_that_never_answers_has_failed() -> None:
    capacity = find(Simulator(servers=2, service_s=60, variation=0))
    assert capacity.state is CapacityState.FAILED


def test_a_slow_application_has_a_wide_interval_with_ends() -> None:
    simulator = Simulator(servers=2, service_s=1)
    capacity = find(simulator)
    assert 0 < capacity.low_rps < capacity.rate_rps < capacity.high_rps < 6


def test_errors_at_nine_tenths_lower_the_rate_until_it_is_not_confirmed() -> None:
    simulator = Simulator(servers=4, service_s=0.01, fails_above=5)
    simulator.closed_ignores_failures = True
    capacity = find(simulator)
    assert capacity.state is CapacityState.UNSTABLE
    assert capacity.sustained_rps == 0
    assert simulator.purposes.count("confirm") == 5


def test_a_throughput_that_only_a_closed_loop_reaches_is_stepped_down() -> None:
    simulator = Simulator(servers=4, service_s=0.01, open_slowness=1.25)
    capacity = find(simulator)
    assert capacity.state is CapacityState.SATURATED
    assert simulator.purposes.count("confirm") > 1
    assert capacity.rate_rps < 0.95 * simulator.capacity_rps
    assert capacity.high_rps > 0.95 * simulator.capacity_rps


def test_a_backlog_with_a_late_generator_is_nobodys_fault() -> None:
    simulator = Simulator(servers=4, service_s=0.01, lag_s=1.0)
    assert find(simulator).state is CapacityState.CONTAMINATED


def test_a_machine_whose_speed_jumps_is_unstable() -> None:
    simulator = Simulator(servers=4, service_s=0.01, noise=0.5, seed=3)
    assert find(simulator, limits=QUICK).state is CapacityState.UNSTABLE


def test_an_application_that_slows_down_all_the_time_is_not_steady() -> None:
    simulator = Simulator(servers=4, service_s=0.002, variation=0.3, drift=0.03)
    assert find(simulator).state in {CapacityState.NOT_STEADY, CapacityState.UNSTABLE}


def test_says_what_it_does() -> None:
    said: list[str] = []
    find(Simulator(servers=2, service_s=0.01), on_progress=said.append)
    assert said[0].startswith("warming up: ")
    assert said[-1].startswith("confirming ")
