"""Bodies and virtual clients against a real server."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from engines import engine_for
from shop_server import ShopServer

from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.workload import (
    ArrivalProcess,
    Arrivals,
    Capture,
    CaptureSource,
    Journey,
    JourneyStep,
    RequestTemplate,
    Workload,
)

pytestmark = pytest.mark.e2e

SHORT = Arrivals(rate_rps=40, duration_s=0.6)
JSON = (("Content-Type", "application/json"),)
LOGIN = RequestTemplate(
    endpoint="POST /login", paths=("/login",), headers=JSON, bodies=('{"user": 1}',), weight=0
)
CREATE = RequestTemplate(
    endpoint="POST /orders", paths=("/orders",), headers=JSON, bodies=("{}",), weight=0
)
SHOW = RequestTemplate(endpoint="GET /orders/{id}", paths=("/orders/{{id}}",), weight=0)
ID = Capture(name="id", source=CaptureSource.JSON, expression="/id")


def test_each_path_sends_its_own_body() -> None:
    template = RequestTemplate(
        endpoint="POST /notes/{id}",
        paths=("/notes/1", "/notes/2"),
        headers=JSON,
        bodies=('{"n": 1}', '{"n": 2}'),
        path_weights=(3, 1),
    )
    with (
        ShopServer() as shop,
        engine_for(f"http://127.0.0.1:{shop.port}", Workload(templates=(template,))) as (engine, _),
    ):
        step = engine.open(Arrivals(rate_rps=200, duration_s=0.5), "pin")
    assert {(sample.status, sample.error) for sample in step.samples} == {(200, "")}
    seen = Counter((one.path, one.body) for one in shop.asked)
    assert set(seen) == {("/notes/1", '{"n": 1}'), ("/notes/2", '{"n": 2}')}
    assert seen["/notes/1", '{"n": 1}'] > seen["/notes/2", '{"n": 2}']
    assert {one.headers["content-type"] for one in shop.asked} == {"application/json"}


def test_a_journey_keeps_its_session_and_its_order() -> None:
    steps = (
        JourneyStep(template=0),
        JourneyStep(template=1, captures=(ID,)),
        JourneyStep(template=2, think_time_s=0.05),
    )
    workload = Workload(
        templates=(LOGIN, CREATE, SHOW), journeys=(Journey(name="buy", steps=steps),)
    )
    arrivals = Arrivals(rate_rps=40, duration_s=2)
    with (
        ShopServer() as shop,
        engine_for(f"http://127.0.0.1:{shop.port}", workload) as (engine, _),
    ):
        step = engine.open(arrivals, "pin")
    (count,) = step.journeys
    assert count.begun == len(start_times_s(arrivals))
    assert count.begun == count.completed + count.cut
    assert count.completed > 0
    assert (count.broken, {sample.status for sample in step.samples}) == ({}, {200})
    sessions = Counter(one.headers["cookie"] for one in shop.asked if one.path != "/login")
    assert max(sessions.values()) == 2  # an order and a look at it, for each client alone
    shown = [one.path for one in shop.asked if re.fullmatch(r"/orders/\d+", one.path)]
    assert len(shown) == len(set(shown)) >= count.completed
    # The first requests are the schedule, the others follow answers.
    logins = sorted(one.intended_ns for one in shop.asked if one.path == "/login")
    assert logins == [step.start_ns + round(time_s * 1e9) for time_s in start_times_s(arrivals)]


def test_a_later_request_is_intended_when_its_client_has_thought() -> None:
    steps = (JourneyStep(template=0), JourneyStep(template=1, think_time_s=0.1))
    workload = Workload(templates=(LOGIN, CREATE), journeys=(Journey(name="j", steps=steps),))
    with (
        ShopServer() as shop,
        engine_for(f"http://127.0.0.1:{shop.port}", workload) as (engine, _),
    ):
        step = engine.open(Arrivals.recorded([0.0], duration_s=20), "pin")
    login, order = sorted(step.samples)
    assert order.intended_ns == login.completed_ns + 100_000_000
    assert order.sent_ns >= order.intended_ns


def test_a_journey_that_breaks_says_where() -> None:
    steps = (JourneyStep(template=1, captures=(ID,)), JourneyStep(template=2))
    workload = Workload(
        templates=(LOGIN, CREATE, SHOW), journeys=(Journey(name="no login", steps=steps),)
    )
    with (
        ShopServer() as shop,
        engine_for(f"http://127.0.0.1:{shop.port}", workload) as (engine, _),
    ):
        step = engine.open(SHORT, "pin")
    (count,) = step.journeys
    assert count.broken == {"request 1: status 403": len(start_times_s(SHORT))}
    assert len(step.samples) == count.begun


def test_a_closed_loop_lets_clients_go_on_before_new_ones_come() -> None:
    steps = (
        JourneyStep(template=0),
        JourneyStep(template=1, captures=(ID,)),
        JourneyStep(template=2),
    )
    workload = Workload(
        templates=(LOGIN, CREATE, SHOW), journeys=(Journey(name="buy", steps=steps),)
    )
    with (
        ShopServer() as shop,
        engine_for(f"http://127.0.0.1:{shop.port}", workload) as (engine, _),
    ):
        list(engine.closed(2, 0.7, "plateau"))
    (step,) = engine.steps
    (count,) = step.journeys
    assert count.completed > 0
    assert count.begun - count.completed <= 2
    assert count.broken == {}


def test_processes_share_one_schedule() -> None:
    template = RequestTemplate(endpoint="GET /a", paths=tuple(f"/a/{n}" for n in range(20)))
    workload = Workload(templates=(template,))
    arrivals = Arrivals(rate_rps=100, duration_s=0.5, process=ArrivalProcess.CONSTANT)
    with (
        ShopServer() as shop,
        engine_for(f"http://127.0.0.1:{shop.port}", workload, processes=2) as (engine, started),
    ):
        step = engine.open(arrivals, "pin")
        list(engine.closed(3, 0.5, "plateau"))
    assert len(started) == 2
    assert sorted(sample.trace_id for sample in step.samples) == list(range(1, 51))
    seen = sorted(one.intended_ns for one in shop.asked[:50])
    assert seen == [step.start_ns + round(time_s * 1e9) for time_s in start_times_s(arrivals)]
    ids = [sample.trace_id for one in engine.steps for sample in one.samples]
    assert len(ids) == len(set(ids)) == len(shop.asked)
    assert all(sample.is_ok for one in engine.steps for sample in one.samples)
