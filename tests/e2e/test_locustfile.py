"""A user's own locustfile as the traffic, against a real server."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from apps_environment import APPS
from command_line import pinchpoint
from scripted_server import ScriptedServer

from pinchpoint.errors import UsageError
from pinchpoint.load.engines.locust import LocustUsers, is_locustfile
from pinchpoint.load.engines.openloop import _Alone
from pinchpoint.model.workload import Arrivals, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from command_line import Result

pytestmark = pytest.mark.e2e

TWO_KINDS = """
from locust import FastHttpUser, HttpUser, SequentialTaskSet, between, task

class Slow(HttpUser):
    wait_time = between(100, 200)

    @task
    class Visit(SequentialTaskSet):
        @task
        def first(self):
            self.client.get("/plain")

        @task
        def second(self):
            with self.client.get("/chunked", name="second", catch_response=True) as answer:
                answer.failure("not what was expected")

        @task
        def leave(self):
            self.interrupt()

class Fast(FastHttpUser):
    wait_time = between(100, 200)
    host = "http://elsewhere.example"

    def on_start(self):
        self.client.get("/large")

    @task
    def fail(self):
        self.client.get("/failing")
"""
RAISES_AT_ONCE = """
import locust
raise RuntimeError("the staging key is not set")
"""
HAS_NO_USER = """
from locust import HttpUser
"""
ASKS_ELSEWHERE = """
from locust import HttpUser, task

class Lost(HttpUser):
    @task
    def leave(self):
        self.client.get("http://shop.example/")
"""
CANNOT_START = """
from locust import HttpUser, task

class Broken(HttpUser):
    def on_start(self):
        self.login()

    @task
    def look(self):
        self.client.get("/plain")
"""


@contextmanager
def users(text: str, folder: Path) -> Iterator[tuple[ScriptedServer, LocustUsers]]:
    file = folder / "locustfile.py"
    file.write_text(text, "utf-8")
    processes = []
    log = (folder / "log").open("wb")

    def start(command):
        processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    try:
        with (
            log,
            ScriptedServer() as server,
            closing(
                LocustUsers(
                    start=start,
                    locustfile=file,
                    workload=Workload(templates=()),
                    base_url=server.url,
                    observer=_Alone(),
                )
            ) as engine,
        ):
            yield server, engine
    finally:
        processes[0].wait(timeout=30)


def test_a_locustfile_is_the_traffic(tmp_path: Path) -> None:
    with users(TWO_KINDS, tmp_path) as (server, engine):
        batches = engine.closed(4, 60, "sweep")
        completions = next(batches).completions + next(batches).completions
        batches.close()
        step = engine.open(Arrivals(rate_rps=60, duration_s=1), "pin")
        closed, opened = engine.steps
    both = [*closed.samples, *opened.samples]

    # Its wait times of minutes are not used, and neither is its host.
    assert 4 < completions <= len(closed.samples)
    assert opened is step
    # Each request carries its number and its intended start to the application.
    assert {sample.trace_id for sample in both} == set(server.answered)
    assert all(
        server.answered[sample.trace_id].intended_ns == sample.intended_ns for sample in both
    )
    # Both of Locust's clients, nested tasks, names, and failures that the file itself declares.
    seen = {(sample.endpoint, sample.status, sample.error) for sample in both}
    assert seen == {
        ("GET /plain", 200, ""),
        ("GET second", 200, "failed"),
        ("GET /large", 200, ""),
        ("GET /failing", 500, ""),
    }
    assert sum(sample.is_ok for sample in both) == sum(
        count
        for (_, status, error), count in Counter(map(_kind, both)).items()
        if status == 200 and not error
    )


def _kind(sample) -> tuple[str, int, str]:
    return sample.endpoint, sample.status, sample.error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RAISES_AT_ONCE, r"line 3, in <module>\n.*\nRuntimeError: the staging key is not set"),
        pytest.param(HAS_NO_USER, "defines no User class", marks=pytest.mark.soak),
    ],
    ids=["raises", "no user"],
)
def test_a_file_that_cannot_be_used_is_explained(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message), users(text, tmp_path):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ASKS_ELSEWHERE, "shop.example/ is not at 127.0.0.1:.*, which is under test"),
        pytest.param(
            CANNOT_START,
            "AttributeError: 'Broken' object has no attribute 'login'",
            marks=pytest.mark.soak,
        ),
    ],
    ids=["elsewhere", "on_start"],
)
def test_tasks_that_only_raise_end_the_run(text: str, message: str, tmp_path: Path) -> None:
    with users(text, tmp_path) as (server, engine), pytest.raises(UsageError, match=message):
        list(engine.closed(2, 60, "sweep"))
    assert server.answered == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TWO_KINDS, True),
        (RAISES_AT_ONCE, True),
        ("import locust.env", True),
        ("import locusts", False),
        ("from .locust import task", False),
        ('"""from locust import task"""', False),
        ("127.0.0.1 - - [x] 'GET /from locust import HTTP/1.1'", False),
        ('{"import": "locust"}', False),
        ("\0", False),
    ],
)
def test_a_locustfile_is_known_by_what_it_imports(
    text: str, *, expected: bool, tmp_path: Path
) -> None:
    file = tmp_path / "traffic"
    file.write_text(text, "utf-8")
    assert is_locustfile(file) is expected


def test_what_is_no_text_is_no_locustfile(tmp_path: Path) -> None:
    file = tmp_path / "access.log.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    assert not is_locustfile(file)
    assert not is_locustfile(tmp_path / "missing")


ASKS_ONE_ROUTE = """
from locust import FastHttpUser, between, task

class Visitor(FastHttpUser):
    wait_time = between(1, 5)

    @task
    def look(self):
        self.client.get("/")
"""


@pytest.mark.soak
def test_a_check_takes_its_mix_from_a_locustfile(tmp_path: Path) -> None:
    (tmp_path / "traffic.py").write_text(ASKS_ONE_ROUTE, "utf-8")
    found = pinchpoint(
        "check",
        str(APPS / "bad" / "steady.py"),
        f"--python={sys.executable}",
        "--traffic=traffic.py",
        "--quick",
        "--no-prove",
        "--json=report.json",
        folder=tmp_path,
    )
    assert found.status in {0, 4}
    assert {budget["endpoint"] for budget in found.report["budgets"]} == {"*", "GET /"}
    assert any("the mix is that of traffic.py" in one for one in found.report["assumptions"])


def test_a_check_shows_why_a_locustfile_cannot_be_used(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "traffic.py").write_text(RAISES_AT_ONCE, "utf-8")
    found = pinchpoint_here(
        "check",
        str(APPS / "bad" / "steady.py"),
        f"--python={sys.executable}",
        "--traffic=traffic.py",
    )
    assert found.status == 2
    assert "traffic.py cannot be used" in found.errors
    assert "RuntimeError: the staging key is not set" in found.errors
