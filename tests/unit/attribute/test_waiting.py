"""The endpoint that waits is the victim; the one that holds is to blame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from building import (
    ELSEWHERE,
    HANDLER,
    SITE,
    connect,
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
from pinchpoint.attribute import blame
from pinchpoint.model.app import Interface

if TYPE_CHECKING:
    from building import (
        Request,
    )
    from pinchpoint.model.recording import Recording

QUOTE, CART = "GET /quote", "GET /cart"


def charged(seen: Recording) -> list[tuple[str, str, float]]:
    """(victim, holder, ms) of each entry."""
    return [(one.victim, one.holder, round(1e3 * one.wait_s, 6)) for one in blame(seen)]


class TestPool:
    def test_waiting_is_charged_to_the_holder_where_it_spent_that_time(self) -> None:
        seen = mix(
            request(QUOTE, holding(sql(ms=10, site=SITE), outbound(90, ELSEWHERE))),
            request(CART, pool_wait(80), holding(sql(ms=1)), at_ms=20),
        )
        (entry,) = blame(seen)
        assert (entry.victim, entry.holder, entry.site) == (CART, QUOTE, ELSEWHERE)
        assert (round(1e3 * entry.wait_s), entry.victims) == (80, 1)

    def test_a_holder_without_known_work_is_blamed_where_it_took_the_connection(self) -> None:
        seen = mix(
            request(QUOTE, holding(connect(100), site=HANDLER)),
            request(CART, pool_wait(50), at_ms=20),
        )
        assert [entry.site for entry in blame(seen)] == [HANDLER]

    def test_connecting_is_not_waiting_for_a_holder(self) -> None:
        seen = mix(
            request(QUOTE, holding(sql(ms=100))),
            request(CART, pool_wait(0, connect(50)), at_ms=20),
        )
        assert blame(seen) == ()

    def test_a_pool_of_another_process_is_another_pool(self) -> None:
        seen = mix(
            request(QUOTE, holding(sql(ms=100)), pid=1),
            request(CART, pool_wait(50), at_ms=20, pid=2),
        )
        assert blame(seen) == ()

    def test_another_pool_of_the_process_is_another_pool(self) -> None:
        seen = mix(
            request(QUOTE, holding(sql(ms=100), resource="pool 1+0 of reports")),
            request(CART, pool_wait(50), at_ms=20),
        )
        assert blame(seen) == ()

    def test_a_hold_outside_of_a_request_has_no_endpoint(self) -> None:
        seen = mix(
            request(QUOTE, holding(sql(ms=100)), is_seen=False),
            request(CART, pool_wait(50), at_ms=20),
        )
        assert charged(seen) == [(CART, "(outside of a request)", 50)]

    def test_the_guilty_may_be_the_victims_own_endpoint(self) -> None:
        seen = mix(
            request(CART, holding(sql(ms=100))),
            request(CART, pool_wait(50), at_ms=20),
        )
        assert charged(seen) == [(CART, CART, 50)]


class TestEventLoop:
    def test_requests_of_the_loop_stand_still_while_a_call_blocks_it(self) -> None:
        seen = mix(
            request(QUOTE, outbound(100, ELSEWHERE, is_blocking=True)),
            request(CART, at_ms=20, queue_ms=80, app_ms=1),
        )
        (entry,) = blame(seen)
        assert (entry.victim, entry.holder, entry.site) == (CART, QUOTE, ELSEWHERE)
        assert (entry.resource, round(1e3 * entry.wait_s)) == ("event loop", 80)

    def test_a_request_waits_for_the_loop_in_its_own_code_and_with_its_answer(self) -> None:
        seen = mix(
            request(CART, sql(ms=10), app_ms=60, response_ms=50),
            request(QUOTE, sleep(100, is_blocking=True), at_ms=20),
        )
        # own code from 10 to 70, of which 50 ms are blocked, and all of the answer's way
        assert charged(seen) == [(CART, QUOTE, 100)]

    def test_waiting_for_a_database_goes_on_beside_the_loop(self) -> None:
        seen = mix(
            request(QUOTE, sleep(100, is_blocking=True)),
            request(CART, sql(ms=80)),
        )
        assert blame(seen) == ()

    def test_a_sync_call_in_a_thread_blocks_nobody(self) -> None:
        seen = mix(
            request(QUOTE, outbound(100)),
            request(CART, at_ms=20, queue_ms=80, app_ms=1),
        )
        assert blame(seen) == ()

    def test_another_worker_has_another_loop(self) -> None:
        seen = mix(
            request(QUOTE, sleep(100, is_blocking=True), pid=1),
            request(CART, at_ms=20, queue_ms=80, app_ms=1, pid=2),
        )
        assert blame(seen) == ()


class TestInterpreter:
    """A statement of 1 ms whose answer lies ready for 19 ms more."""

    def seen(self, *, active_s: float, pid: int = 1) -> Recording:
        alone = step(request(CART, sql(ms=1)), purpose="walk", in_flight=1)
        pin = step(request(QUOTE, app_ms=100, pid=pid), request(CART, sql(ms=20), at_ms=10))
        return recording_of(alone, replace(pin, database_active_s=active_s))

    def test_waiting_for_it_is_charged_to_the_code_that_ran(self) -> None:
        (entry,) = blame(self.seen(active_s=0.001))
        assert (entry.victim, entry.holder, entry.resource) == (CART, QUOTE, "interpreter")
        assert round(1e3 * entry.wait_s, 3) == 19

    def test_a_slow_database_is_nobodys_fault(self) -> None:
        assert blame(self.seen(active_s=0.02)) == ()

    def test_another_process_has_another_interpreter(self) -> None:
        assert blame(self.seen(active_s=0.001, pid=2)) == ()


class TestWorkers:
    def test_the_queue_is_charged_to_those_who_occupied_the_workers(self) -> None:
        seen = mix(
            request(QUOTE, outbound(100, ELSEWHERE)),
            request(CART, at_ms=20, queue_ms=80, app_ms=1),
            interface=Interface.WSGI,
        )
        (entry, *_) = blame(seen)
        assert (entry.victim, entry.holder, entry.site) == (CART, QUOTE, ELSEWHERE)
        assert (entry.resource, round(1e3 * entry.wait_s)) == ("workers", 80)

    def test_all_processes_serve_one_queue(self) -> None:
        seen = mix(
            request(QUOTE, app_ms=100, pid=1),
            *_one_after_the_other(CART, times=5, pid=2),
            interface=Interface.WSGI,
            workers=2,
        )
        holders = {entry.holder for entry in blame(seen)}
        assert holders == {QUOTE, CART}

    def test_a_free_worker_keeps_its_part(self) -> None:
        seen = mix(
            request(QUOTE, app_ms=100),
            request(CART, at_ms=20, queue_ms=40, app_ms=1, pid=2),
            interface=Interface.WSGI,
            workers=2,
        )
        assert charged(seen) == [(CART, QUOTE, 20)]

    def test_threads_serve_what_their_own_process_accepted(self) -> None:
        seen = mix(
            request(QUOTE, app_ms=100, pid=1),
            request(CART, at_ms=20, queue_ms=80, app_ms=1, pid=2),
            interface=Interface.WSGI,
            workers=2,
            threads=4,
        )
        assert blame(seen) == ()

    def test_an_event_loop_has_no_workers_to_wait_for(self) -> None:
        seen = mix(request(QUOTE, app_ms=100), request(CART, at_ms=20, queue_ms=80))
        assert blame(seen) == ()


def test_who_waited_for_less_than_a_millisecond_is_no_victim() -> None:
    seen = mix(
        request(QUOTE, holding(sql(ms=100))),
        request(CART, pool_wait(50), at_ms=20),
        request(CART, pool_wait(0.5), at_ms=20),
    )
    assert blame(seen)[0].victims == 1


def test_a_large_recording_needs_no_more_than_a_sort() -> None:
    waiting = [
        request(f"GET /{number % 20}", pool_wait(5), holding(*[sql(ms=0.1)] * 20), at_ms=number)
        for number in range(2000)
    ]
    assert sum(entry.wait_s for entry in blame(mix(*waiting))) > 0


def _one_after_the_other(endpoint: str, times: int, pid: int) -> list[Request]:
    return [
        request(endpoint, at_ms=10, queue_ms=10 * number, app_ms=10, pid=pid)
        for number in range(times)
    ]
