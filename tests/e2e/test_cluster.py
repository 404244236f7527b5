"""A master and three workers on loopback, one of them killed in the middle of a load."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from scripted_server import Answered, ScriptedServer

from pinchpoint.launch.services import free_port
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.workload import Arrivals

pytestmark = pytest.mark.e2e

FIRST = Arrivals(rate_rps=100, duration_s=2, seed=1)
SECOND = Arrivals(rate_rps=150, duration_s=2, seed=2)
TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Two loads as the master's report and the server saw them; a worker died in the second."""

    status: int
    text: str
    loads: list[dict[str, Any]]
    answered: dict[int, Answered]
    endings: list[int]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "pinchpoint", "cluster", *words]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    port = str(free_port())
    file = tmp_path_factory.mktemp("cluster") / "report.json"
    rates = ["--rate", str(FIRST.rate_rps), "--rate", str(SECOND.rate_rps)]
    options = ["--duration", "2", "--path", "/plain", "--path", "/chunked", "--json", str(file)]
    with ScriptedServer() as server:
        master = subprocess.Popen(
            command("master", server.url, "--workers", "3", "--port", port, *rates, *options),
            stdout=subprocess.PIPE,
            text=True,
        )
        workers = [subprocess.Popen(command("worker", "--port", port)) for _ in range(3)]
        killer = threading.Thread(target=kill_in_second_load, args=[server, workers[1]])
        killer.start()
        text, _ = master.communicate(timeout=TIMEOUT_S)
        killer.join()
        endings = [worker.wait(timeout=TIMEOUT_S) for worker in workers]
    loads = json.loads(file.read_text("utf-8"))["loads"]
    return Seen(
        status=master.returncode,
        text=text,
        loads=loads,
        answered=server.answered,
        endings=endings,
    )


def kill_in_second_load(server: ScriptedServer, worker: subprocess.Popen[bytes]) -> None:
    wanted = len(start_times_s(FIRST)) + 100
    deadline_s = time.monotonic() + TIMEOUT_S
    while len(server.answered) < wanted and time.monotonic() < deadline_s:
        time.sleep(0.01)
    worker.kill()


def test_three_workers_send_exactly_the_requests_of_one_schedule(seen: Seen) -> None:
    scheduled = len(start_times_s(FIRST))
    first = seen.loads[0]
    assert (first["scheduled"], first["missing"]) == (scheduled, 0)
    assert sum(worker["requests"] for worker in first["workers"]) == scheduled
    assert set(range(1, scheduled + 1)) <= set(seen.answered)


def test_each_request_is_due_when_the_schedule_says_as_far_as_clocks_are_known(seen: Seen) -> None:
    first = seen.loads[0]
    shift_ns = [
        seen.answered[number].intended_ns - round(time_s * 1e9)
        for number, time_s in enumerate(start_times_s(FIRST), 1)
    ]
    clock_error_ns = max(worker["clock_error_s"] for worker in first["workers"]) * 1e9
    assert max(shift_ns) - min(shift_ns) <= 2 * clock_error_ns + 1
    assert first["start_skew_s"] > 0


def test_a_killed_worker_is_seen_as_missing_requests_never_as_lower_load(seen: Seen) -> None:
    second = seen.loads[1]
    assert second["scheduled"] == len(start_times_s(SECOND))
    assert [worker["is_lost"] for worker in second["workers"]].count(True) == 1
    assert second["missing"] > 0
    lost = next(worker for worker in second["workers"] if worker["is_lost"])
    assert second["missing"] + lost["requests"] == pytest.approx(second["scheduled"] / 3, abs=1)


def test_the_master_says_that_the_load_is_not_valid_and_how_many_are_missing(seen: Seen) -> None:
    missing = seen.loads[1]["missing"]
    assert f"1 of 3 workers were lost: {missing} requests are missing" in seen.text
    assert seen.status == 4


def test_the_others_go_home(seen: Seen) -> None:
    assert sorted(seen.endings) == [-9, 0, 0]


def test_endpoints_add_up_to_the_whole(seen: Seen) -> None:
    for load in seen.loads:
        parts = [one["requests"] for one in load["endpoints"].values()]
        assert sum(parts) == load["whole"]["requests"] == load["scheduled"] - load["missing"]
