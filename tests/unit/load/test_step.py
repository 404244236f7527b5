"""What several engine processes did, as one; and when a step is void."""

from __future__ import annotations

from dataclasses import replace

import pytest

from building import request, step
from pinchpoint.load.step import batch_of, fault_of, journeys_of, resource_of, state_of
from pinchpoint.model.recording import GeneratorState, JourneyCount

FIRST = {
    "duration_s": 2.0,
    "cpu_s": 0.5,
    "wait_s": 0.1,
    "lag_p50_s": 0.001,
    "lag_p99_s": 0.002,
    "lag_max_s": 0.004,
    "involuntary_switches": 3,
    "exhausted": 0,
    "journeys": [{"name": "j", "begun": 3, "completed": 1, "cut": 1, "broken": {"x": 1}}],
}
SECOND = {
    **FIRST,
    "cpu_s": 1.5,
    "lag_p99_s": 0.001,
    "exhausted": 2,
    "journeys": [{"name": "j", "begun": 2, "completed": 0, "cut": 0, "broken": {"x": 1, "y": 1}}],
}
FINE = GeneratorState(
    lag_p50_s=0, lag_p99_s=0.0005, lag_max_s=0.1, involuntary_switches=0, busiest_cpu_ratio=0.5
)
OPEN = step(request("GET /a", app_ms=30))
CLOSED = step(request("GET /a", app_ms=30), in_flight=4)


def test_the_state_is_that_of_the_latest_and_busiest_process() -> None:
    state = state_of([FIRST, SECOND])
    assert (state.lag_p99_s, state.busiest_cpu_ratio) == (0.002, 0.75)
    assert (state.involuntary_switches, state.exhausted) == (6, 2)


def test_each_process_has_a_core() -> None:
    resource = resource_of([FIRST, SECOND])
    assert (resource.cpu_s, resource.capacity_s) == (2.0, 4.0)


def test_virtual_clients_are_counted_over_all_processes() -> None:
    (count,) = journeys_of([FIRST, SECOND])
    expected = JourneyCount(name="j", begun=5, completed=1, cut=1, broken={"x": 2, "y": 1})
    assert count == expected


def test_batches_of_processes_are_added() -> None:
    one = {"duration_s": 0.5, "completions": 10, "errors": 1, "generator_cpu_s": 0.2}
    batch = batch_of([one, {**one, "generator_cpu_s": 0.4}], app_cpu_s=0.3)
    assert (batch.duration_s, batch.completions, batch.errors) == (0.5, 20, 2)
    assert (batch.app_cpu_s, batch.generator_cpu_s) == (0.3, 0.4)


def test_a_generator_that_keeps_up_makes_no_step_void() -> None:
    assert fault_of(OPEN, FINE) == fault_of(CLOSED, FINE) == ""


@pytest.mark.parametrize(("lag_s", "is_void"), [(0.0029, False), (0.0031, True)])
def test_lag_of_a_tenth_of_the_response_time_makes_an_open_step_void(
    lag_s: float, *, is_void: bool
) -> None:
    assert ("late" in fault_of(OPEN, replace(FINE, lag_p99_s=lag_s))) is is_void
    assert fault_of(CLOSED, replace(FINE, lag_p99_s=lag_s)) == ""


@pytest.mark.parametrize(("ratio", "is_void"), [(0.79, False), (0.81, True)])
def test_a_busy_generator_makes_a_closed_step_void(ratio: float, *, is_void: bool) -> None:
    assert ("81% of a core" in fault_of(CLOSED, replace(FINE, busiest_cpu_ratio=ratio))) is is_void
    assert fault_of(OPEN, replace(FINE, busiest_cpu_ratio=ratio)) == ""


def test_requests_that_the_machine_could_not_send_make_any_step_void() -> None:
    faults = [fault_of(one, replace(FINE, exhausted=1)) for one in (OPEN, CLOSED)]
    assert all("1 of 1 requests were never sent" in fault for fault in faults)
