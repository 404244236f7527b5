"""CA001 and CP003: they speak for what repeats at a cost, and keep still for what looks alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from building import (
    ELSEWHERE,
    SITE,
    Operation,
    mix,
    recording,
    recording_of,
    request,
    step,
)
from pinchpoint.attribute import attribute, blame
from pinchpoint.diagnose import diagnose
from pinchpoint.model.finding import Location
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording


def cache(name: str = "redis GET", ms: float = 1, site: str = SITE) -> Operation:
    return Operation(category=Category.CACHE, name=name, ms=ms, site=site)


def hashing(ms: float, *, is_blocking: bool = False) -> Operation:
    return Operation(
        category=Category.HASH, name="bcrypt.checkpw", ms=ms, site=SITE, is_blocking=is_blocking
    )


def found(seen: Recording, code: str) -> tuple[Finding, ...]:
    return tuple(one for one in diagnose(seen, attribute(seen), blame(seen)) if one.code == code)


def calls(*operations: Operation, app_ms: float = 1) -> tuple[Finding, ...]:
    return found(recording("GET /cart", *operations, app_ms=app_ms), "CA001")


def test_all_round_trips_but_one_can_be_won() -> None:
    (finding,) = calls(*[cache()] * 10, app_ms=10)
    assert finding.share_ratio == pytest.approx(9 / 20)
    assert finding.title == "One cache call after the other: 10 x redis GET"
    assert finding.location == Location(file="shop/views.py", line=12, function="list_orders")


@pytest.mark.parametrize(("times", "is_found"), [(4, False), (5, True)])
def test_five_calls_are_a_loop(times: int, *, is_found: bool) -> None:
    assert bool(calls(*[cache()] * times)) is is_found


@pytest.mark.parametrize(("app_ms", "is_found"), [(34, True), (36, False)])
def test_below_a_tenth_of_the_time_it_is_no_finding(app_ms: float, *, is_found: bool) -> None:
    assert bool(calls(*[cache()] * 5, app_ms=app_ms)) is is_found  # 4 of 39 or 41 ms


@pytest.mark.parametrize(("ms", "is_found"), [(0.2, True), (0.19, False)])
def test_below_a_millisecond_it_is_no_finding(ms: float, *, is_found: bool) -> None:
    assert bool(calls(*[cache(ms=ms)] * 5)) is is_found


def test_calls_that_only_a_busy_machine_stretches_are_no_finding() -> None:
    alone = step(request("GET /cart", *[cache(ms=0.1)] * 9), purpose="walk", in_flight=1)
    assert not found(recording_of(alone, step(request("GET /cart", *[cache()] * 9))), "CA001")


def test_the_median_request_decides() -> None:
    long, short = request("GET /cart", *[cache()] * 50), request("GET /cart", cache())
    assert not found(mix(long, short, short), "CA001")


@pytest.mark.parametrize(
    "name", ["redis PIPELINE", "redis MGET", "RedisCache.get_many", "valkey HMGET"]
)
def test_batches_are_fine(name: str) -> None:
    assert not calls(*[cache(name)] * 9)


def test_calls_at_many_lines_and_different_calls_are_fine() -> None:
    assert not calls(*[cache(site=f"a.py:{line}:f") for line in range(9)])
    assert not calls(*[cache(f"redis {name}") for name in ("GET", "SET", "DEL", "TTL")] * 2)


def test_loops_at_two_lines_are_two_findings() -> None:
    assert len(calls(*[cache()] * 9, *[cache(site=ELSEWHERE)] * 9)) == 2


def passwords(endpoint: str, *operations: Operation, app_ms: float = 10) -> tuple[Finding, ...]:
    return found(recording(endpoint, *operations, app_ms=app_ms), "CP003")


def test_hashing_in_a_request_that_reads_is_a_finding() -> None:
    (finding,) = passwords("GET /cart", hashing(90))
    assert finding.share_ratio == pytest.approx(0.9)
    assert finding.location == Location(file="shop/views.py", line=12, function="list_orders")


def test_logging_in_may_take_its_time() -> None:
    assert not passwords("POST /login", hashing(90))


def test_a_rare_hash_is_fine() -> None:
    logged_in = request("GET /cart", app_ms=10)
    seen = mix(request("GET /cart", hashing(90)), logged_in, logged_in)
    assert not found(seen, "CP003")


@pytest.mark.parametrize(("ms", "app_ms"), [(4.9, 1), (9, 90)])
def test_a_short_hash_or_a_small_share_is_fine(ms: float, app_ms: float) -> None:
    assert not passwords("GET /cart", hashing(ms), app_ms=app_ms)


def test_hashing_on_an_event_loop_blocks_it() -> None:
    other = request("GET /quick", at_ms=10, queue_ms=80, app_ms=1)
    seen = mix(request("GET /cart", hashing(90, is_blocking=True)), other)
    assert found(seen, "AS001")
