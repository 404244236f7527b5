"""The wall is the resource that is used up first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from building import (
    holding,
    outbound,
    recording_of,
    request,
    sleep,
    sql,
    step,
)
from pinchpoint.attribute import attribute, find_wall, wall_points
from pinchpoint.model.app import Interface
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.recording import ResourceSample

if TYPE_CHECKING:
    from building import (
        Operation,
    )
    from pinchpoint.model.recording import Recording, Step


def measured(rate_rps: float) -> Capacity:
    return Capacity(
        rate_rps=rate_rps,
        low_rps=rate_rps,
        high_rps=rate_rps,
        in_flight=8,
        state=CapacityState.SATURATED,
    )


def plateau(**cpu_ms: float) -> Step:
    """100 requests with this much CPU each, on two cores."""
    one = step(*[request("GET /a", sql(ms=10))] * 100, purpose="plateau", in_flight=8)
    return replace(
        one,
        traces=(),
        resources=tuple(
            ResourceSample(resource=name, cpu_s=value / 10, capacity_s=2 * one.duration_s)
            for name, value in cpu_ms.items()
        ),
    )


def loaded(
    *operations: Operation, cpu_ms: dict[str, float] | None = None, **options: object
) -> Recording:
    pin = step(*[request("GET /a", *operations)] * 4)
    return recording_of(plateau(**(cpu_ms or {"app": 1})), pin, **options)  # type: ignore[arg-type]


def wall(seen: Recording, rate_rps: float) -> tuple[str, str, float]:
    found = find_wall(seen, attribute(seen), measured(rate_rps))
    return found.wall, found.next_wall, round(found.next_wall_rps, 3)


def test_the_pool_is_the_wall_where_connections_are_held_longest() -> None:
    seen = loaded(holding(outbound(190)), workers=2, cpu_ms={"app": 4, "database": 1})
    assert wall(seen, 10) == (
        "the connection pool (1 connection per process, held for 190 ms per request)",
        "the CPU (2 cores, 5 ms per request: app 4 ms, database 1 ms)",
        400,
    )


def test_overflow_counts_as_connections() -> None:
    seen = loaded(holding(outbound(150), resource="pool 5+10 of postgresql+psycopg"))
    assert wall(seen, 100)[0].startswith("the connection pool (15 connections")


def test_synchronous_workers_are_the_wall_while_the_cpu_idles() -> None:
    seen = loaded(outbound(100), interface=Interface.WSGI, workers=2, threads=2)
    assert wall(seen, 38)[0] == "the workers (4 requests at a time, 100 ms each)"


def test_python_is_the_wall_of_one_process_on_two_cores() -> None:
    seen = loaded(sql(ms=1), cpu_ms={"app": 10, "generator": 2})
    (lowest, following, rate_rps) = wall(seen, 95)
    assert lowest.startswith("Python (1 process of the app with one interpreter lock")
    assert (following[:12], rate_rps) == ("the CPU (2 c", 166.667)


def test_as_many_processes_as_cores_are_limited_by_the_cores() -> None:
    seen = loaded(sql(ms=1), cpu_ms={"app": 10}, workers=2)
    assert wall(seen, 190) == ("the CPU (2 cores, 10 ms per request: app 10 ms)", "", 0)


def test_blocking_calls_make_the_event_loop_the_wall() -> None:
    seen = loaded(sleep(50, is_blocking=True))
    assert wall(seen, 19)[0] == "the event loop (blocked for 50 ms per request)"


def test_a_call_inside_a_blocking_call_does_not_block_twice() -> None:
    seen = loaded(outbound(40, "", sleep(10, is_blocking=True), is_blocking=True))
    assert wall(seen, 19)[0] == "the event loop (blocked for 50 ms per request)"


def test_a_limit_that_is_hardly_used_is_no_wall() -> None:
    seen = loaded(holding(sql(ms=10)))
    assert wall(seen, 20) == (
        (
            "none that is known; the nearest, the connection pool (1 connection per process,"
            " held for 10 ms per request), is 20% used"
        ),
        "",
        0,
    )


def test_the_next_wall_is_never_below_what_was_measured() -> None:
    seen = loaded(holding(sql(ms=10)), sleep(12, is_blocking=True))
    assert wall(seen, 110)[2] == 110


def test_nothing_is_said_without_a_capacity() -> None:
    assert wall(loaded(sql(ms=1)), 0) == ("", "", 0)


def test_nothing_is_said_without_a_recording() -> None:
    assert wall(recording_of(plateau(app=1)), 100) == ("", "", 0)


class TestWallPoints:
    def test_one_for_each_open_loop_step_by_its_rate(self) -> None:
        seen = recording_of(
            step(request("GET /a", sql(ms=30)), rate_rps=90),
            step(request("GET /a", sql(ms=10)), purpose="load", rate_rps=30),
        )
        points = wall_points(seen)
        assert [(one.rate_rps, one.p50_s, one.p99_s) for one in points] == [
            (30, 0.01, 0.01),
            (90, 0.03, 0.03),
        ]
        assert points[1].parts_s == {"sql": pytest.approx(0.03)}

    def test_a_dormant_probe_leaves_the_parts_unknown(self) -> None:
        dormant = replace(step(request("GET /a", sql(ms=10)), purpose="confirm"), traces=())
        assert [one.parts_s for one in wall_points(recording_of(dormant))] == [{}]

    def test_a_recorded_closed_loop_has_a_throughput_only(self) -> None:
        swept = step(*[request("GET /a", sql(ms=10))] * 3, purpose="sweep", in_flight=3)
        (point,) = wall_points(recording_of(swept))
        assert (point.throughput_rps, point.p50_s, point.rate_rps) == (pytest.approx(300), 0, 0)

    def test_errors_are_not_throughput(self) -> None:
        seen = recording_of(
            step(request("GET /a", sql(ms=10)), request("GET /a", sql(ms=10), status=500))
        )
        assert wall_points(seen)[0].throughput_rps == pytest.approx(100)
