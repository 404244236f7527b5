"""A recording that breaks a law is void, and says which; a sound one says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from building import APART_MS, MS, recording, recording_of, request, sql, step
from pinchpoint.attribute import generator_cpu_ratio, lag_p99_s, lost_ratio, violations, warnings
from pinchpoint.model.app import Interface
from pinchpoint.model.recording import GeneratorState, ProbeState, ResourceSample

if TYPE_CHECKING:
    from pinchpoint.model.recording import Recording, Step

GENERATOR = "generator"


def pinned(*, seen: int = 200, unseen: int = 0, **options: float) -> Step:
    """Requests of 10 ms, one a second."""
    return step(
        *(
            request(
                "GET /a",
                sql(ms=10),
                at_ms=APART_MS * number,
                is_seen=number < seen,
                **options,
            )
            for number in range(seen + unseen)
        )
    )


def busy(one: Step, **cpu_ratios: float) -> Step:
    """The step with CPU use, as parts of one core of two."""
    return replace(
        one,
        resources=tuple(
            ResourceSample(
                resource=name,
                cpu_s=ratio * one.duration_s,
                capacity_s=2 * one.duration_s,
            )
            for name, ratio in cpu_ratios.items()
        ),
    )


def test_a_sound_recording_breaks_no_law() -> None:
    seen = recording_of(pinned(queue_ms=2, response_ms=1))
    assert violations(seen) == ()
    assert warnings(seen) == ()


class TestLittle:
    def test_requests_that_the_probe_did_not_see_break_it(self) -> None:
        assert "Little's law fails" in violations(recording_of(pinned(seen=180, unseen=20)))[0]

    def test_requests_that_only_the_probe_saw_break_it(self) -> None:
        whole = pinned(seen=240)
        one = replace(whole, samples=whole.samples[:220])
        assert "Little's law fails" in violations(recording_of(one))[0]

    def test_a_few_cut_off_at_the_ends_do_not(self) -> None:
        whole = pinned(seen=240)
        assert violations(recording_of(replace(whole, samples=whole.samples[:235]))) == ()

    def test_below_200_completions_it_is_not_checked_and_that_is_said(self) -> None:
        few = pinned(seen=100)
        seen = recording_of(replace(few, samples=few.samples[:90]))
        assert violations(seen) == ()
        assert warnings(seen) == ("90 requests are too few to check Little's law (200)",)

    def test_a_slow_way_back_is_not_the_probes_business(self) -> None:
        assert violations(recording_of(pinned(response_ms=50))) == ()


def test_more_than_2_percent_unexplained_breaks_the_closure() -> None:
    (text,) = violations(recording_of(pinned(seen=200, unseen=6)))
    assert text == "2.9% of the response time is explained by no part of it"


def test_remainders_of_both_signs_do_not_cancel() -> None:
    one = pinned()
    shifted = replace(
        one,
        samples=tuple(
            sample._replace(completed_ns=sample.completed_ns - 5 * MS)
            if number % 2
            else sample._replace(trace_id=0)
            for number, sample in enumerate(one.samples)
        ),
    )
    assert any("explained by no part" in text for text in violations(recording_of(shifted)))


class TestUtilization:
    requests = tuple(request("GET /a", sql(ms=10), at_ms=5 * number) for number in range(200))

    def test_workers_cannot_be_busier_than_there_are_slots(self) -> None:
        seen = recording_of(step(*self.requests), interface=Interface.WSGI, workers=1)
        assert violations(seen) == ("1 worker slots cannot be busy 199% of the time",)

    def test_as_many_slots_as_needed_obey_it(self) -> None:
        seen = recording_of(step(*self.requests), interface=Interface.WSGI, threads=2)
        assert violations(seen) == ()

    def test_an_event_loop_has_no_slots(self) -> None:
        assert violations(recording_of(step(*self.requests))) == ()


class TestGenerator:
    @pytest.mark.parametrize(("busy_ratio", "is_void"), [(0.79, False), (0.81, True)])
    def test_a_closed_loop_is_void_above_80_percent_of_a_core(
        self, busy_ratio: float, *, is_void: bool
    ) -> None:
        plateau = replace(busy(pinned(), generator=busy_ratio), purpose="plateau", arrivals=None)
        assert bool(violations(recording_of(plateau, pinned()))) is is_void

    def test_its_cpu_in_an_open_loop_is_not_a_law(self) -> None:
        assert violations(recording_of(busy(pinned(), generator=0.99))) == ()

    @pytest.mark.parametrize(("lag_ms", "is_void"), [(0.9, False), (1.2, True)])
    def test_an_open_loop_is_void_above_a_millisecond_of_lag(
        self, lag_ms: float, *, is_void: bool
    ) -> None:
        assert bool(violations(recording_of(pinned(lag_ms=lag_ms)))) is is_void

    def test_slow_requests_allow_more_lag(self) -> None:
        assert violations(recording_of(pinned(lag_ms=1.2, queue_ms=10))) == ()

    def test_what_the_generator_says_of_itself_counts(self) -> None:
        state = GeneratorState(
            lag_p50_s=0, lag_p99_s=0, lag_max_s=0, involuntary_switches=0, busiest_cpu_ratio=0
        )
        waited = replace(pinned(lag_ms=5), generator=state)  # for a connection, not for the CPU
        assert violations(recording_of(waited)) == ()
        unsent = replace(waited, invalid="3 requests were never sent")
        assert violations(recording_of(unsent)) == ("3 requests were never sent",)
        plateau = replace(
            unsent, purpose="plateau", arrivals=None, generator=replace(state, exhausted=3)
        )
        assert violations(recording_of(plateau, pinned())) == ("3 requests were never sent",)

    def test_lag_on_the_way_to_the_pin_is_a_warning(self) -> None:
        light = replace(pinned(lag_ms=5), purpose="load")
        seen = recording_of(light, pinned())
        assert violations(seen) == ()
        assert "5 ms late" in warnings(seen)[0]


@pytest.mark.parametrize(("lost", "is_void"), [(2, False), (30, True)])
def test_lost_records_are_a_warning_until_they_are_1_percent(lost: int, *, is_void: bool) -> None:
    seen = recording_of(replace(pinned(), lost_records=lost))  # of 600
    assert bool(violations(seen)) is is_void
    assert bool(warnings(seen)) is not is_void


def test_other_programs_on_the_machine_are_named() -> None:
    quiet = recording_of(busy(pinned(), app=0.5, generator=0.1, machine=0.65))
    noisy = recording_of(busy(pinned(), app=0.5, generator=0.1, machine=1.0))
    assert warnings(quiet) == ()
    assert warnings(noisy) == ("other programs used 20% of the machine's CPU",)


def test_another_tool_inside_of_the_application_is_a_warning() -> None:
    seen = replace(recording_of(pinned()), probe=ProbeState(instruments=("Sentry",)))
    assert any(one.startswith("Sentry observes the application") for one in warnings(seen))


def test_a_hook_that_does_not_fit_is_named() -> None:
    seen = replace(recording_of(pinned()), probe=ProbeState(failures=("redis: no execute",)))
    assert warnings(seen) == ("the probe does not see all: redis: no execute",)


def test_failed_requests_are_counted() -> None:
    assert warnings(recording_of(pinned(status=500)))[0].startswith("200 of 200 requests failed")


def test_health_figures() -> None:
    whole = replace(pinned(lag_ms=2), lost_records=200)
    seen: Recording = recording_of(busy(whole, generator=0.25))
    assert generator_cpu_ratio(seen) == pytest.approx(0.25)
    assert lag_p99_s(seen) == pytest.approx(0.002)
    assert lost_ratio(seen) == pytest.approx(0.25)  # 200 of 800


def test_nothing_recorded_is_not_a_violation() -> None:
    empty = recording("GET /a", requests=0)
    assert (violations(empty), lag_p99_s(empty), lost_ratio(empty)) == ((), 0, 0)
