"""`pinchpoint run -- COMMAND`: the command of the user, its port, and the probe in it or not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from apps_environment import APPS
from command_line import pinchpoint

from pinchpoint.errors import LaunchError
from pinchpoint.launch import command
from pinchpoint.launch.command import launch_command, why_no_probe
from pinchpoint.launch.guardian import guard
from pinchpoint.launch.services import free_port
from pinchpoint.model.app import Framework, Interface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pinchpoint.launch.guardian import Guardian

pytestmark = pytest.mark.e2e

BAD = APPS / "bad"
TWO_DOORS = """
import http.server, sys, threading
side = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
threading.Thread(target=side.serve_forever, daemon=True).start()
from gunicorn.app.wsgiapp import run
run()
"""
PLAIN = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 0), Handler).serve_forever()
"""


@pytest.fixture
def guardian() -> Iterator[Guardian]:
    with guard() as owner:
        yield owner


def gunicorn(port: int, *before: str) -> list[str]:
    words = [sys.executable, *(before or ("-m", "gunicorn"))]
    return [*words, "--workers=2", f"--bind=127.0.0.1:{port}", "steady:app"]


def test_finds_the_port_and_the_probe_by_itself(guardian: Guardian) -> None:
    port = free_port()
    with launch_command(guardian, gunicorn(port), BAD) as (running, probe, _):
        assert probe is not None
        assert (running.host, running.port) == ("127.0.0.1", port)
        assert running.app.interface is Interface.WSGI
        assert running.app.framework is Framework.FLASK
        assert running.deployment.server == "gunicorn"
        assert running.ask("routes", {})["framework"] == "flask"


def test_a_side_door_is_not_taken_for_the_application(guardian: Guardian, tmp_path: Path) -> None:
    script = tmp_path / "two_doors.py"
    script.write_text(TWO_DOORS, "utf-8")
    port = free_port()
    with launch_command(guardian, gunicorn(port, str(script)), BAD) as (running, probe, _):
        assert probe is not None
        assert running.port == port


def test_a_python_that_keeps_the_probe_out_is_seen_from_outside(
    guardian: Guardian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SETTLE_S", 0.2)
    words = [sys.executable, "-I", "-c", PLAIN]
    with launch_command(guardian, words, BAD) as (running, probe, child):
        assert probe is None
        assert running.ask("state", {}) == {}
        assert "leave -I out of the command" in why_no_probe(child.pid)


def test_a_command_that_fails_shows_its_log(guardian: Guardian) -> None:
    words = [sys.executable, "-c", "raise SystemExit('no settings')"]
    with (
        pytest.raises(LaunchError, match=r"exit status 1 before it accepted") as failed,
        launch_command(guardian, words, BAD),
    ):
        pass
    assert "no settings" in str(failed.value)


def test_a_command_that_leaves_for_the_background(guardian: Guardian) -> None:
    words = [sys.executable, "-c", "pass"]
    with pytest.raises(LaunchError) as failed, launch_command(guardian, words, BAD):
        pass
    assert "goes to the background" in failed.value.remedy


def test_a_command_that_accepts_nowhere(guardian: Guardian) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        pytest.raises(LaunchError, match="accepts on no TCP port"),
        launch_command(guardian, words, BAD, timeout_s=0.5),
    ):
        pass


@pytest.mark.soak
def test_names_the_wall_of_a_server_that_nobody_described(tmp_path: Path) -> None:
    port = free_port()
    words = ["--", *gunicorn(port, "-m", "gunicorn", "--threads=3", f"--chdir={BAD}")]
    found = pinchpoint("run", "--quick", "--json=report.json", *words, folder=tmp_path)
    assert found.status in {0, 4}, found.errors
    assert found.report["view"] == "inside"
    assert "gunicorn x2 with 3 threads" in found.report["title"]
    assert "no fix was tried" in " ".join(found.report["quality"]["warnings"])
    assert found.report["trials"] == []
