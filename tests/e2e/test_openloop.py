"""The load engine against a real server: every request is accounted for, whatever happens."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest
from engines import engine_for
from scripted_server import ScriptedServer

from pinchpoint.errors import InconclusiveError
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.workload import Arrivals, RequestTemplate, Workload
from pinchpoint.stats.quantiles import quantile

pytestmark = pytest.mark.e2e

SHORT = Arrivals(rate_rps=100, duration_s=0.5)


def mix(*paths: str, method: str = "GET") -> Workload:
    return Workload(
        templates=tuple(
            RequestTemplate(endpoint=f"{method} {path}", paths=(path,)) for path in paths
        )
    )


@contextmanager
def loaded(*paths: str, method: str = "GET", **options):
    with (
        ScriptedServer() as server,
        engine_for(server.url, mix(*paths, method=method), **options) as (engine, _),
    ):
        yield server, engine


@pytest.mark.parametrize("path", ["/plain", "/chunked", "/close", "/delimited", "/large"])
def test_every_scheduled_request_is_answered(path: str) -> None:
    with loaded(path) as (server, engine):
        step = engine.open(SHORT, "pin")
    assert {(sample.status, sample.error) for sample in step.samples} == {(200, "")}
    assert len(step.samples) == len(server.answered) == len(start_times_s(SHORT))
    assert all(
        sample.intended_ns <= sample.sent_ns <= sample.first_byte_ns <= sample.completed_ns
        for sample in step.samples
    )


def test_the_server_sees_the_schedule() -> None:
    with loaded("/plain") as (server, engine):
        step = engine.open(SHORT, "pin")
    seen = sorted(one.intended_ns for one in server.answered.values())
    assert seen == [step.start_ns + round(time_s * 1e9) for time_s in start_times_s(SHORT)]
    assert {sample.trace_id for sample in step.samples} == set(server.answered)


def test_connections_are_kept() -> None:
    with loaded("/plain") as (server, engine):
        list(engine.closed(4, 0.5, "plateau"))
    assert server.connections == 4
    assert len(server.answered) > 4


def test_a_connection_that_the_server_drops_without_a_word_is_replaced() -> None:
    with loaded("/silent-close") as (_, engine):
        step = engine.open(SHORT, "pin")
    assert {sample.error for sample in step.samples} == {""}


def test_an_answer_to_head_has_no_body_to_wait_for() -> None:
    with loaded("/close", method="HEAD", timeout_s=5) as (_, engine):
        step = engine.open(SHORT, "pin")
    assert {sample.error for sample in step.samples} == {""}


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/failing", 500, ""),
        ("/reset", 0, "reset"),
        ("/cut", 0, "closed"),
        ("/nothing", 0, "closed"),
        ("/garbage", 0, "malformed"),
        ("/never", 0, "timeout"),
    ],
)
def test_a_request_that_fails_says_how(path: str, status: int, error: str) -> None:
    with loaded(path, timeout_s=0.3) as (_, engine):
        step = engine.open(SHORT, "pin")
    assert {(sample.status, sample.error) for sample in step.samples} == {(status, error)}
    assert len(step.samples) == len(start_times_s(SHORT))
    assert not any(sample.is_ok for sample in step.samples)


def test_a_request_that_changes_something_is_not_sent_twice() -> None:
    with loaded("/silent-close", method="POST") as (server, engine):
        step = engine.open(SHORT, "pin")
    assert {sample.error for sample in step.samples} <= {"", "closed", "reset"}
    assert len(server.answered) <= len(step.samples) == len(start_times_s(SHORT))


def test_a_spinning_engine_offers_the_same() -> None:
    with loaded("/plain", is_spinning=True) as (server, engine):
        step = engine.open(Arrivals(rate_rps=100, duration_s=0.3), "pin")
    assert {sample.error for sample in step.samples} == {""}
    assert len(step.samples) == len(server.answered)


def test_requests_that_find_no_free_connection_time_out_too() -> None:
    with loaded("/never", timeout_s=0.3, most_connections=3) as (server, engine):
        step = engine.open(SHORT, "pin")
    assert len(step.samples) == len(start_times_s(SHORT))
    assert {sample.error for sample in step.samples} == {"timeout"}
    assert any(sample.sent_ns == 0 for sample in step.samples)
    assert server.connections < len(step.samples)


def test_a_stall_is_seen_by_all_requests_that_were_due_in_it() -> None:
    arrivals = Arrivals(rate_rps=200, duration_s=1.5)
    with (
        ScriptedServer(stall_at=100, stall_s=0.3) as server,
        engine_for(server.url, mix("/plain")) as (engine, _),
    ):
        step = engine.open(arrivals, "pin")
    assert len(step.samples) == len(start_times_s(arrivals))
    # Exact on any machine: an answer is complete after it was ready, never before.
    implied_s = [(one.ready_ns - one.intended_ns) / 1e9 for one in server.answered.values()]
    measured_s = [sample.response_time_s for sample in step.samples]
    assert all(quantile(measured_s, q) >= quantile(implied_s, q) for q in (0.5, 0.9, 0.99))
    # Due in the first 0.2 of 0.3 s, at 200/s: 40 on average. A closed loop sees one.
    assert sum(time_s > 0.1 for time_s in measured_s) >= 20


def test_a_server_that_dies_resets_and_refuses() -> None:
    with loaded("/plain") as (server, engine):
        batches = engine.closed(4, 30, "plateau")
        assert next(batches).errors == 0
        server.die()
        assert next(batch for batch in batches if batch.errors).completions > 0
        batches.close()
    (step,) = engine.steps
    assert {sample.error for sample in step.samples} <= {"", "reset", "closed", "refused"}
    assert "refused" in {sample.error for sample in step.samples}


def test_a_closed_loop_ends_when_it_is_told() -> None:
    with loaded("/plain") as (server, engine):
        batches = engine.closed(3, 60, "plateau")
        first = next(batches)
        batches.close()
        (step,) = engine.steps
    assert first.completions <= len(step.samples) == len(server.answered)
    assert step.duration_s < 30
    assert step.in_flight == 3


def test_never_more_requests_in_flight_than_asked_for() -> None:
    with loaded("/plain") as (_, engine):
        list(engine.closed(3, 0.5, "plateau"))
    edges = sorted(
        edge
        for sample in engine.steps[0].samples
        for edge in ((sample.intended_ns, 1), (sample.completed_ns, -1))
    )
    in_flight = 0
    for _, change in edges:
        in_flight += change
        assert in_flight <= 3


def test_trace_ids_go_on_from_step_to_step() -> None:
    with loaded("/plain") as (_, engine):
        list(engine.closed(2, 0.5, "sweep"))
        engine.open(SHORT, "pin")
    ids = [sample.trace_id for step in engine.steps for sample in step.samples]
    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_two_engines_with_one_seed_ask_for_the_same_in_the_same_order() -> None:
    workload = mix("/plain", "/chunked", "/close")

    def endpoints() -> list[str]:
        with ScriptedServer() as server, engine_for(server.url, workload) as (engine, _):
            step = engine.open(SHORT, "pin")
        return [sample.endpoint for sample in sorted(step.samples)]

    assert endpoints() == endpoints()


def test_each_step_says_how_the_generator_did() -> None:
    with loaded("/plain") as (_, engine):
        step = engine.open(SHORT, "pin")
    assert step.generator is not None
    assert 0 <= step.generator.lag_p50_s <= step.generator.lag_p99_s <= step.generator.lag_max_s
    (generator,) = step.resources
    assert step.generator.busiest_cpu_ratio == pytest.approx(generator.cpu_s / 0.5)
    assert generator.resource == "generator"
    assert generator.cpu_s > 0
    assert generator.capacity_s == 0.5


def test_answers_are_the_same_where_the_application_is() -> None:
    with loaded("/plain", "/chunked", "/failing") as (_, engine):
        answers = engine.answers()
    assert answers["GET /plain"].startswith("200 ")
    assert answers["GET /plain"] == answers["GET /chunked"] != answers["GET /failing"]


def test_an_engine_that_is_gone_makes_the_step_void() -> None:
    with ScriptedServer() as server, engine_for(server.url, mix("/plain")) as (engine, (process,)):
        batches = engine.closed(2, 60, "plateau")
        next(batches)
        process.kill()
        with pytest.raises(InconclusiveError, match="engine"):
            list(batches)


DIES_IN_A_STEP = """
import os, subprocess, sys
from pinchpoint.load.engines.openloop import OpenLoop
from pinchpoint.model.workload import RequestTemplate, Workload

def start(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    print(process.pid, flush=True)

workload = Workload(templates=(RequestTemplate(endpoint="GET /plain", paths=("/plain",)),))
engine = OpenLoop(start=start, workload=workload, base_url=sys.argv[1])
batches = engine.closed(2, 60, "plateau")
next(batches)
os._exit(1)
"""


def test_the_engine_ends_with_the_tool_even_in_the_middle_of_a_step() -> None:
    with ScriptedServer() as server:
        command = [sys.executable, "-c", DIES_IN_A_STEP, server.url]
        tool = subprocess.run(command, capture_output=True, text=True, check=False)
    _, left = psutil.wait_procs(processes_of(int(tool.stdout)), timeout=30)
    assert left == []


def processes_of(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid)] if psutil.pid_exists(pid) else []


def test_the_engine_loads_no_library_that_it_does_not_need() -> None:
    heavy = "{'click', 'jinja2', 'psutil', 'rich', 'sqlglot'}"
    script = f"import sys, pinchpoint.load.engine_process; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
