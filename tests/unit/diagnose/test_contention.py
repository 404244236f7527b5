"""PL001, PL002, AS001, SV001: the finding stands at the guilty endpoint, with its victims."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from building import (
    ELSEWHERE,
    POOL,
    SITE,
    holding,
    mix,
    outbound,
    pool_wait,
    recording_of,
    request,
    sleep,
    sql,
    step,
)
from pinchpoint.attribute import attribute, blame
from pinchpoint.diagnose import diagnose
from pinchpoint.model.app import Interface
from pinchpoint.model.finding import Location, Status, Victim
from pinchpoint.model.recording import ResourceSample

if TYPE_CHECKING:
    from building import (
        Request,
    )
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording

QUOTE, CART = "GET /quote", "GET /cart"


def findings(seen: Recording) -> list[Finding]:
    return list(diagnose(seen, attribute(seen), blame(seen)))


def codes(seen: Recording) -> list[str]:
    return [finding.code for finding in findings(seen)]


def waiting(ms: float, at_ms: float = 20) -> Request:
    return request(CART, pool_wait(ms), holding(sql(ms=5)), at_ms=at_ms)


class TestHeldDuringOutbound:
    seen = mix(request(QUOTE, holding(sql(ms=10), outbound(90, ELSEWHERE))), waiting(80))

    def test_stands_at_the_holder_on_the_line_of_the_call(self) -> None:
        (finding,) = findings(self.seen)
        assert (finding.code, finding.endpoint, finding.status) == (
            "PL002",
            QUOTE,
            Status.PREDICTED,
        )
        assert finding.location == Location.parse(ELSEWHERE)

    def test_names_who_waits(self) -> None:
        (finding,) = findings(self.seen)
        assert finding.victims == (Victim(endpoint=CART, wait_s=pytest.approx(0.08)),)

    def test_what_it_costs_is_the_waiting_of_others_not_its_own_time(self) -> None:
        (finding,) = findings(self.seen)
        assert finding.share_ratio == 0
        assert finding.mix_share_ratio == pytest.approx(80 / (100 + 85))

    def test_says_what_a_larger_pool_needs(self) -> None:
        (finding,) = findings(self.seen)
        assert finding.parameters == {
            "resource": POOL,
            "pool_size": "1",
            "max_overflow": "0",
            "workers": "1",
        }

    def test_it_waits_for_its_own_requests_too(self) -> None:
        one = request(QUOTE, holding(outbound(90)))
        seen = mix(one, replace(one, operations=(pool_wait(70), *one.operations), at_ms=20))
        (finding,) = findings(seen)
        assert finding.share_ratio == pytest.approx(70 / (90 + 160))
        assert finding.victims == ()

    def test_is_a_suspicion_while_nobody_waits(self) -> None:
        (finding,) = findings(mix(request(QUOTE, holding(sql(ms=10), outbound(90)))))
        assert (finding.code, finding.status) == ("PL002", Status.SUSPECTED)

    def test_sleeping_with_a_connection_is_the_same(self) -> None:
        assert codes(mix(request(QUOTE, holding(sleep(90))))) == ["PL002"]

    def test_a_call_inside_a_call_counts_once(self) -> None:
        nested = outbound(0, SITE, outbound(30))
        assert codes(mix(request(QUOTE, holding(sql(ms=40), nested)))) == []

    def test_a_call_after_the_connection_was_given_back_is_fine(self) -> None:
        assert codes(mix(request(QUOTE, holding(sql(ms=10)), outbound(90)))) == []

    def test_holding_it_for_statements_is_fine(self) -> None:
        assert codes(mix(request(QUOTE, holding(sql(ms=60), outbound(40))))) == []

    def test_a_call_below_a_millisecond_is_fine(self) -> None:
        assert codes(mix(request(QUOTE, holding(outbound(0.9))))) == []


class TestPoolWait:
    def test_stands_at_the_endpoint_that_holds(self) -> None:
        seen = mix(request(QUOTE, holding(sql(ms=100, site=ELSEWHERE))), waiting(80))
        (finding,) = findings(seen)
        assert (finding.code, finding.endpoint) == ("PL001", QUOTE)
        assert finding.location == Location.parse(ELSEWHERE)
        assert [one.endpoint for one in finding.victims] == [CART]

    def test_is_silent_where_a_call_explains_it(self) -> None:
        assert codes(TestHeldDuringOutbound.seen) == ["PL002"]

    @pytest.mark.parametrize(("wait_ms", "is_found"), [(9, False), (11, True)])
    def test_a_tenth_of_the_victims_time_is_noticed(
        self, wait_ms: float, *, is_found: bool
    ) -> None:
        victim = replace(waiting(wait_ms), app_ms=95 - wait_ms)
        seen = mix(request(QUOTE, holding(sql(ms=100))), victim)
        assert codes(seen) == (["PL001"] if is_found else [])

    def test_a_pool_that_is_never_empty_is_not_to_blame(self) -> None:
        large = "pool 5+0 of postgresql+psycopg"
        seen = mix(
            request(QUOTE, holding(sql(ms=100), resource=large)),
            request(CART, pool_wait(80, resource=large), at_ms=20),
        )
        assert codes(seen) == []

    def test_a_pool_that_fills_up_for_want_of_cpu_is_no_limit(self) -> None:
        """What takes 100 ms of a connection under load takes 2 ms of it alone."""
        busy = step(request(QUOTE, holding(sql(ms=100))), waiting(80))
        light = step(request(QUOTE, holding(sql(ms=2))), purpose="load", rate_rps=1)
        assert codes(recording_of(busy)) == ["PL001"]
        assert codes(recording_of(light, busy)) == []

    def test_waiting_that_nobody_is_charged_with_has_no_finding(self) -> None:
        assert codes(mix(waiting(80))) == []


class TestBlockingCall:
    def blocked(self, ms: float = 90, app_ms: float = 0) -> Recording:
        return mix(
            request(QUOTE, outbound(ms, ELSEWHERE, is_blocking=True), app_ms=app_ms),
            request(CART, at_ms=20, queue_ms=70, app_ms=1),
        )

    def test_stands_at_the_line_that_blocks_with_its_victims(self) -> None:
        (finding,) = findings(self.blocked())
        assert (finding.code, finding.endpoint, finding.status) == (
            "AS001",
            QUOTE,
            Status.PREDICTED,
        )
        assert finding.location == Location.parse(ELSEWHERE)
        assert finding.victims == (Victim(endpoint=CART, wait_s=pytest.approx(0.07)),)

    def test_the_share_of_the_mix_is_the_victims_waiting(self) -> None:
        (finding,) = findings(self.blocked())
        assert finding.mix_share_ratio == pytest.approx(70 / (90 + 71))

    def test_is_a_suspicion_while_nobody_waits(self) -> None:
        (finding,) = findings(mix(request(QUOTE, sleep(90, is_blocking=True))))
        assert finding.status is Status.SUSPECTED

    @pytest.mark.parametrize(
        ("ms", "app_ms", "is_found"),
        [(5, 900, True), (4.9, 900, False), (2, 18, True), (2, 19, False), (0.9, 0, False)],
    )
    def test_speaks_from_5_ms_or_a_tenth_of_the_time(
        self, ms: float, app_ms: float, *, is_found: bool
    ) -> None:
        assert codes(self.blocked(ms, app_ms)) == (["AS001"] if is_found else [])

    def test_many_short_calls_are_reported_at_the_worst_line(self) -> None:
        calls = [sql(ms=0.5, site=f"a.py:{line}:f", is_blocking=True) for line in range(1, 9)]
        worst = sql(ms=0.9, site=ELSEWHERE, is_blocking=True)
        (finding,) = findings(mix(request(QUOTE, *calls, worst)))
        assert finding.location == Location.parse(ELSEWHERE)
        assert finding.evidence[1].value == pytest.approx(0.0049)

    def test_two_long_calls_are_two_findings(self) -> None:
        first, second = (sleep(20, site, is_blocking=True) for site in (SITE, ELSEWHERE))
        assert codes(mix(request(QUOTE, first, second))) == ["AS001", "AS001"]

    def test_the_same_call_in_a_thread_is_fine(self) -> None:
        assert codes(mix(request(QUOTE, outbound(90)), request(CART, at_ms=20, app_ms=1))) == []

    def test_a_call_inside_a_blocking_call_is_the_same_call(self) -> None:
        nested = outbound(20, SITE, sleep(30, ELSEWHERE, is_blocking=True), is_blocking=True)
        (finding,) = findings(mix(request(QUOTE, nested)))
        assert finding.evidence[0].value == pytest.approx(0.05)


class TestTooFewWorkers:
    def queued(
        self, *, idle_ratio: float = 0.5, interface: Interface = Interface.WSGI, **light: float
    ) -> Recording:
        busy = step(
            *(
                request(QUOTE, outbound(30), at_ms=10 * number, queue_ms=20 * number)
                for number in range(8)
            ),
            rate_rps=100,
        )
        machine = ResourceSample(
            resource="machine",
            cpu_s=(1 - idle_ratio) * 2 * busy.duration_s,
            capacity_s=2 * busy.duration_s,
        )
        steps = [replace(busy, resources=(machine,))]
        if light:
            steps.insert(0, step(request(QUOTE, **light), purpose="load", rate_rps=1))
        return recording_of(*steps, interface=interface)

    def test_a_queue_beside_idle_cpu_is_too_few_workers(self) -> None:
        (finding,) = findings(self.queued())
        assert (finding.code, finding.parameters) == ("SV001", {"workers": "1", "threads": "1"})
        assert finding.mix_share_ratio == pytest.approx(70 / 100)

    def test_a_busy_machine_would_not_serve_more(self) -> None:
        assert codes(self.queued(idle_ratio=0.25)) == []

    def test_requests_that_take_longer_than_alone_have_another_bottleneck(self) -> None:
        assert codes(self.queued(app_ms=20)) == []
        assert codes(self.queued(app_ms=28)) == ["SV001"]

    def test_what_it_takes_alone_was_seen_in_the_walk(self) -> None:
        seen = self.queued(app_ms=30)
        walk = step(request(QUOTE, app_ms=15), purpose="walk", in_flight=1)
        assert codes(replace(seen, steps=(walk, *seen.steps))) == []

    def test_an_event_loop_has_no_workers_to_add(self) -> None:
        assert codes(self.queued(interface=Interface.ASGI)) == []
