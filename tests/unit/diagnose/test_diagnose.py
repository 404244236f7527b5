"""What comes first, what is left out, and what is ruled out."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building import (
    CUSTOMER,
    ELSEWHERE,
    mix,
    outbound,
    pool_wait,
    recording,
    recording_of,
    request,
    serialize,
    sql,
    step,
    together,
)
from pinchpoint.attribute import attribute, blame
from pinchpoint.diagnose import cases, diagnose, load_detectors, ruled_out
from pinchpoint.model.finding import Status
from pinchpoint.model.recording import ResourceSample

if TYPE_CHECKING:
    from building import (
        Operation,
    )
    from pinchpoint.model.recording import Recording


def test_what_costs_the_mix_most_comes_first() -> None:
    seen = mix(
        *[request("GET /rare", *[sql(CUSTOMER, ms=10)] * 9)],
        *[request("GET /busy", *[sql(CUSTOMER, ms=5, site=ELSEWHERE)] * 9, app_ms=5)] * 5,
    )
    assert [one.endpoint for one in diagnose(seen, attribute(seen))] == ["GET /busy", "GET /rare"]


def test_suspicions_come_last() -> None:
    seen = mix(
        request("GET /big", *[sql(CUSTOMER, ms=1)] * 9, app_ms=900),
        request("GET /small", *[sql(CUSTOMER, ms=0.1, site=ELSEWHERE)] * 9),
    )
    statuses = [one.status for one in diagnose(seen, attribute(seen))]
    assert statuses == [Status.PREDICTED, Status.SUSPECTED]


def test_a_sound_application_has_no_findings() -> None:
    seen = recording("GET /a", sql(ms=3), serialize(0.5), outbound(2), app_ms=4, queue_ms=1)
    assert diagnose(seen, attribute(seen), blame(seen)) == ()


def test_nothing_recorded_has_no_findings() -> None:
    empty = recording_of()
    assert diagnose(empty, attribute(empty)) == ()
    assert ruled_out(empty, attribute(empty), ()) == ()


def test_a_case_has_what_belongs_to_its_endpoint_only() -> None:
    seen = mix(
        request("GET /a", sql(ms=1)),
        request("GET /b", sql(ms=1)),
        request("GET /b", sql(ms=1), is_seen=False),
    )
    sizes = {one.endpoint: (len(one.traces), len(one.samples)) for one in cases_of(seen)}
    assert sizes == {"GET /a": (1, 1), "GET /b": (1, 2)}


def cases_of(seen: Recording) -> list:
    return list(cases(seen, attribute(seen)))


@pytest.mark.parametrize(("ms", "is_found"), [(10, True), (9, False)])
def test_serialization_is_a_finding_from_a_tenth_of_the_time(ms: float, *, is_found: bool) -> None:
    seen = recording("GET /a", serialize(ms), app_ms=90)
    found = [one.code for one in diagnose(seen, attribute(seen))]
    assert found == (["CP002"] if is_found else [])


def test_serialization_below_5_ms_is_no_finding() -> None:
    seen = recording("GET /a", serialize(4.9))
    assert diagnose(seen, attribute(seen)) == ()


@pytest.mark.parametrize(("alone_ms", "is_found"), [(5, True), (4.9, False)])
def test_serialization_that_only_a_busy_machine_stretches_is_no_finding(
    alone_ms: float, *, is_found: bool
) -> None:
    alone = step(request("GET /a", serialize(alone_ms)), purpose="walk", in_flight=1)
    seen = recording_of(alone, step(request("GET /a", serialize(20), app_ms=20)))
    found = [one.code for one in diagnose(seen, attribute(seen))]
    assert found == (["CP002"] if is_found else [])


class TestRuledOut:
    def reasons(self, seen: Recording) -> dict[str, str]:
        budgets = attribute(seen)
        findings = diagnose(seen, budgets, blame(seen))
        return {one.name: one.reason for one in ruled_out(seen, budgets, findings)}

    def test_small_parts_are_ruled_out_with_their_number(self) -> None:
        seen = recording("GET /a", sql(ms=92), serialize(3), pool_wait(1), framework_ms=4)
        assert self.reasons(seen) == {
            "framework overhead": "4 ms, 4.0% of the response time",
            "pool wait": "1 ms, 1.0% of the response time",
            "serialization": "3 ms, 3.0% of the response time",
        }

    def test_what_takes_more_than_5_percent_is_not(self) -> None:
        assert self.reasons(recording("GET /a", sql(ms=94), framework_ms=6)) == {}

    def test_what_was_not_seen_is_not_ruled_out(self) -> None:
        assert self.reasons(recording("GET /a", sql(ms=100))) == {}

    def test_what_was_found_is_not_ruled_out(self) -> None:
        seen = mix(
            request("GET /list", serialize(20), app_ms=10),
            request("GET /a", sql(ms=970)),
        )
        assert "serialization" not in self.reasons(seen)

    def test_an_idle_database_and_generator_are_ruled_out(self) -> None:
        one = step(request("GET /a", sql(ms=100)))
        resources = (
            ResourceSample(resource="database", cpu_s=0.008, capacity_s=0.2),
            ResourceSample(resource="generator", cpu_s=0.006, capacity_s=0.2),
        )
        assert self.reasons(recording_of(replace(one, resources=resources))) == {
            "database CPU": "4% of 2 cores",
            "generator CPU": "6% of one core",
        }

    def test_a_busy_database_is_not(self) -> None:
        one = step(request("GET /a", sql(ms=100)))
        busy = ResourceSample(resource="database", cpu_s=0.15, capacity_s=0.2)
        assert self.reasons(recording_of(replace(one, resources=(busy,)))) == {}


def test_codes_are_unique_and_every_detector_has_its_page() -> None:
    detectors = load_detectors()
    assert len({one.CODE for one in detectors.values()}) == len(detectors)
    for one in detectors.values():
        page = inspect.getdoc(one) or ""
        assert [part for part in ("Seen as:", "Costs:", "Not seen:") if part not in page] == []


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    one = draw(
        st.sampled_from(
            [
                sql(CUSTOMER, ms=1),
                sql(CUSTOMER, ms=30, site=ELSEWHERE, is_blocking=True),
                outbound(9, is_blocking=True),
                serialize(4),
                pool_wait(7),
            ]
        )
    )
    return draw(st.sampled_from([one, together(one, outbound(5)), replace(one, ms=one.ms * 3)]))


@given(st.lists(st.lists(operations(), max_size=8), min_size=1, max_size=5))
def test_shares_are_shares_whatever_is_recorded(drawn: list[list[Operation]]) -> None:
    seen = mix(
        *(
            request(f"GET /{number % 2}", *parts, at_ms=5 * number, app_ms=1)
            for number, parts in enumerate(drawn)
        )
    )
    for finding in diagnose(seen, attribute(seen), blame(seen)):
        assert 0 <= finding.share_ratio <= 1
        assert 0 <= finding.mix_share_ratio <= 1
        assert finding.evidence
