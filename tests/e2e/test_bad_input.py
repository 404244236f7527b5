"""What a user gets wrong: a clear message, the right exit status, nothing left behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from apps_environment import APPS, environment
from command_line import pinchpoint, processes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_line import Result

pytestmark = pytest.mark.e2e

BAD = APPS / "bad"
PYTHON = f"--python={sys.executable}"
FAST = ("--quick", "--no-prove")


def _left(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_no_app_is_found(pinchpoint_here: Callable[..., Result], tmp_path: Path) -> None:
    found = pinchpoint_here("check")
    assert found.status == 2
    assert "no Flask, Django or FastAPI application found" in found.errors
    assert _left(tmp_path) == []


def test_an_import_error_shows_its_traceback(tmp_path: Path) -> None:
    found = pinchpoint("check", str(BAD / "import_error.py"), PYTHON, folder=tmp_path)
    assert found.status == 3
    assert "No module named 'a_module_that_nobody_has_written'" in found.errors
    assert 'import_error.py", line 3' in found.errors
    assert _left(tmp_path) == []


def test_an_app_that_never_accepts(pinchpoint_here: Callable[..., Result]) -> None:
    found = pinchpoint_here("check", str(BAD / "never_accepts.py"), PYTHON, "--start-timeout=1")
    assert found.status == 3
    assert "took longer than 1 s" in found.errors


def test_every_route_answers_404(tmp_path: Path) -> None:
    found = pinchpoint("check", str(BAD / "all_404.py"), PYTHON, *FAST, folder=tmp_path)
    assert found.status == 5
    assert "GET /items: answers 404" in found.errors
    assert _left(tmp_path) == []


def test_every_route_needs_a_login(pinchpoint_here: Callable[..., Result]) -> None:
    found = pinchpoint_here("check", str(BAD / "needs_login_401.py"), PYTHON, *FAST)
    assert found.status == 5
    assert "GET /account: needs login (401)" in found.errors


def test_a_database_that_is_down(pinchpoint_here: Callable[..., Result]) -> None:
    found = pinchpoint_here("check", str(BAD / "database_down.py"), PYTHON, *FAST)
    assert found.status == 5
    assert "GET /books: answers 500" in found.errors
    assert "connection to server" in found.errors


def test_an_app_that_dies_under_load(tmp_path: Path) -> None:
    found = pinchpoint("check", str(BAD / "dies_under_load.py"), PYTHON, *FAST, folder=tmp_path)
    assert found.status == 3
    assert "the application died under load with exit status 1" in found.errors


def test_a_port_that_is_taken(pinchpoint_here: Callable[..., Result]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = pinchpoint_here("check", str(BAD / "all_404.py"), PYTHON, f"--port={port}")
    assert found.status == 3
    assert f"port {port} of 127.0.0.1 is taken" in found.errors


def test_a_wrong_interpreter(pinchpoint_here: Callable[..., Result]) -> None:
    other = environment(APPS / "fastapi_fleet")  # has no Flask
    found = pinchpoint_here("check", str(BAD / "all_404.py"), f"--python={other}")
    assert found.status == 3
    assert "No module named 'flask'" in found.errors
    assert "--python PATH" in found.errors


def test_a_typo_in_an_option(tmp_path: Path) -> None:
    found = pinchpoint("check", "--worker=2", folder=tmp_path)
    assert found.status == 2
    assert "--workers" in found.errors


def test_a_typo_in_a_servers_name(pinchpoint_here: Callable[..., Result]) -> None:
    found = pinchpoint_here("check", str(BAD / "all_404.py"), PYTHON, "--server=gunicron")
    assert found.status == 2
    assert "unknown server 'gunicron'; known: django, flask, granian, gunicorn," in found.errors


def test_a_typo_in_the_projects_table(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pinchpoint]\nworker = 2\n", "utf-8")
    found = pinchpoint_here("check")
    assert found.status == 2
    assert "has no setting 'worker'" in found.errors


def test_a_folder_that_cannot_be_written(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / ".pinchpoint").write_text("a file is in the way", "utf-8")
    found = pinchpoint_here("check", str(BAD / "all_404.py"), PYTHON)
    assert found.status == 2
    assert ".pinchpoint" in found.errors


@pytest.mark.parametrize(
    ("stage", "options"),
    [("launch", ()), ("walk", ()), ("climb", ()), ("pin", ("--rate=20",))],  # no climb before it
    ids=["launch", "walk", "climb", "pin"],
)
def test_ctrl_c_leaves_nothing(
    stage: str, options: tuple[str, ...], tmp_path: Path, own_runs: Path
) -> None:
    words = ["check", str(BAD / "steady.py"), PYTHON, *FAST, *options]
    with subprocess.Popen(
        [sys.executable, "-m", "pinchpoint", "-v", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"stage {stage}"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert processes_of(own_runs) == []
    wrote = any(tmp_path.glob(".pinchpoint/*/report.json"))
    assert wrote is (stage not in {"launch", "walk"})


@pytest.mark.soak
def test_two_runs_at_once(tmp_path: Path, own_runs: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pinchpoint",
        "-v",
        "check",
        str(BAD / "steady.py"),
        PYTHON,
        *FAST,
    ]
    processes = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    # Each takes CPU from the other, so that one may call itself inconclusive; neither fails.
    assert {process.wait() for process in processes} <= {0, 4}
    assert len(list(tmp_path.glob(".pinchpoint/*/report.json"))) >= 1
    assert processes_of(own_runs) == []


def test_kill_9_leaves_nothing(tmp_path: Path, own_runs: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pinchpoint", "-v", "check", str(BAD / "steady.py"), PYTHON, *FAST],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("stage climb"):
                break
        process.kill()
    deadline = time.monotonic() + 15
    while processes_of(own_runs) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(own_runs) == []
