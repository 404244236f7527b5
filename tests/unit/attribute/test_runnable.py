"""What a statement waits for after its database has answered is not the database's time."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building import recording_of, request, sql, step
from pinchpoint.attribute import attribute
from pinchpoint.attribute.runnable import database_limits_ns

if TYPE_CHECKING:
    from pinchpoint.model.recording import Recording

WALK = step(request("GET /a", sql("SELECT 1", ms=1)), purpose="walk", in_flight=1)


def loaded(*durations_ms: float, active_ms: float, name: str = "SELECT 1") -> Recording:
    """Alone the statement takes 1 ms; under load, this long, and the database says so much."""
    pin = step(*(request("GET /a", sql(name, ms=one)) for one in durations_ms))
    return recording_of(WALK, replace(pin, database_active_s=active_ms / 1e3))


def parts_ms(seen: Recording) -> dict[str, float]:
    mix, *_ = attribute(seen)
    return {name: round(1e3 * time_s, 6) for name, time_s in mix.parts_s.items()}


def test_threads_that_wait_for_the_interpreter_are_not_slow_sql() -> None:
    assert parts_ms(loaded(16, 16, active_ms=0.04)) == {"sql": 1, "runnable": 15}


def test_a_database_that_was_busy_all_the_time_is_slow() -> None:
    assert parts_ms(loaded(16, 16, active_ms=32)) == {"sql": 16}


def test_a_database_that_was_busy_for_half_of_it_has_that_half() -> None:
    assert parts_ms(loaded(16, 16, active_ms=16)) == {"sql": 8, "runnable": 8}


def test_without_an_account_all_of_it_is_the_databases() -> None:
    assert parts_ms(loaded(16, 16, active_ms=-1e3)) == {"sql": 16}


def test_a_statement_that_was_never_seen_alone_keeps_its_time() -> None:
    assert parts_ms(loaded(16, 16, active_ms=0, name="SELECT 2")) == {"sql": 16}


def test_a_slow_statement_is_not_charged_with_the_wait_of_a_quick_one() -> None:
    """Both wait 15 ms for the interpreter; of the slow one's 65 ms, 50 are the database's."""
    walk = step(request("GET /a", sql("SELECT 1", ms=1), sql("SELECT 2", ms=50)), purpose="walk")
    pin = step(request("GET /a", sql("SELECT 1", ms=16), sql("SELECT 2", ms=65)))
    seen = recording_of(walk, replace(pin, database_active_s=0.051))
    assert parts_ms(seen) == {"sql": 51, "runnable": 30}


@given(
    alone_ms=st.floats(0.01, 100),
    durations_ms=st.lists(st.floats(0.01, 1000), min_size=1, max_size=20),
    active_ms=st.floats(0, 30_000),
)
def test_the_databases_time_is_its_account_where_that_is_possible(
    alone_ms: float, durations_ms: list[float], active_ms: float
) -> None:
    walk = step(request("GET /a", sql("SELECT 1", ms=alone_ms)), purpose="walk")
    pin = step(*(request("GET /a", sql("SELECT 1", ms=one)) for one in durations_ms))
    pin = replace(pin, database_active_s=active_ms / 1e3)
    limit_ms = database_limits_ns(recording_of(walk, pin), pin)["SELECT 1"] / 1e6
    charged_ms = sum(min(one, limit_ms) for one in durations_ms)
    least_ms = sum(min(one, alone_ms, median(durations_ms)) for one in durations_ms)
    assert charged_ms == pytest.approx(
        min(max(least_ms, active_ms), sum(durations_ms)), rel=1e-2, abs=1e-3
    )
