"""`pinchpoint attach URL`: a target that somebody else started, in good and in bad shape."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from command_line import pinchpoint, processes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from command_line import Result

pytestmark = pytest.mark.e2e

PAGE = b"<a href='/books/1'>a book</a> <a href='/books/delete?id=1'>away with it</a>"


class Handler(BaseHTTPRequestHandler):
    """Answers by `answers`: path to (status, headers, body); 404 for all others."""

    protocol_version = "HTTP/1.1"
    answers: Mapping[str, tuple[int, Mapping[str, str], bytes]] = {}
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = self.answers.get(self.path, (404, {}, b"no such page"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Target(ThreadingHTTPServer):
    """A server of the test's own; it forgets its connections when it is shut down."""

    daemon_threads = True
    request_queue_size = 256

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(answers: Mapping[str, tuple[int, Mapping[str, str], bytes]]) -> Iterator[Target]:
    handler = type("Answering", (Handler,), {"answers": answers, "asked": []})
    with Target(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asked_of(server: Target) -> list[str]:
    return list(server.RequestHandlerClass.asked)  # type: ignore[attr-defined]


@pytest.fixture
def attach(pinchpoint_here: Callable[..., Result]) -> Callable[..., Result]:
    return partial(pinchpoint_here, "attach")


def test_a_closed_port(attach: Callable[..., Result], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = attach(f"http://127.0.0.1:{port}")
    assert said.status == 3
    assert f"nothing accepts connections on port {port} of 127.0.0.1" in said.errors
    assert list(tmp_path.iterdir()) == []


def test_a_host_of_somebody_else_is_never_asked(attach: Callable[..., Result]) -> None:
    said = attach("http://192.0.2.1")  # TEST-NET-1 (RFC 5737)
    assert said.status == 2
    assert "192.0.2.1 is not this machine" in said.errors
    assert "--i-own-this" in said.errors


def test_a_target_that_wants_a_login(attach: Callable[..., Result], tmp_path: Path) -> None:
    with serving({"/": (401, {}, b""), "/openapi.json": (403, {}, b"")}) as server:
        said = attach(server.url)
    assert said.status == 5
    assert "GET /: needs login (401)" in said.errors
    assert "--header" in said.errors
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_sends_its_visitors_elsewhere(attach: Callable[..., Result]) -> None:
    moved = (301, {"Location": "https://shop.example/"}, b"")
    with serving({"/": moved}) as server:
        said = attach(server.url)
        asked = asked_of(server)
    assert said.status == 2
    assert f"{server.url} sends its visitors to https://shop.example" in said.errors
    assert asked == ["/"]


def test_a_server_without_tls_behind_an_https_url(attach: Callable[..., Result]) -> None:
    with serving({"/": (200, {}, b"")}) as server:
        said = attach(server.url.replace("http:", "https:"))
    assert said.status == 3
    assert "speaks http only" in said.errors


def test_a_path_that_does_not_exist(attach: Callable[..., Result]) -> None:
    with serving({}) as server:
        said = attach(server.url, "--path=/nowhere")
    assert said.status == 5
    assert "GET /nowhere: answers 404" in said.errors


@contextlib.contextmanager
def _loading(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """An `attach` that has begun to load."""
    command = [sys.executable, "-m", "pinchpoint", "-v", "attach", url, "--quick"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("stage climb"):
                break
        yield process


HTML = {"Content-Type": "text/html"}


def test_ctrl_c_leaves_a_partial_report_and_nothing_else(tmp_path: Path, own_runs: Path) -> None:
    answers = {"/": (200, HTML, PAGE), "/books/1": (200, {}, b"{}")}
    with serving(answers) as server, _loading(server.url, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        rest = process.communicate()[0]
        asked = asked_of(server)
    assert process.returncode == 130, rest
    assert processes_of(own_runs) == []
    (file,) = tmp_path.glob(".pinchpoint/*/report.json")
    report = json.loads(file.read_text("utf-8"))
    assert report["view"] == "outside view, no causes"
    assert "GET /books/delete" in {route["endpoint"] for route in report["not_exercised"]}
    assert not [path for path in asked if "delete" in path]


def test_a_target_that_goes_away_under_load(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind=127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        with _loading(f"http://127.0.0.1:{port}", tmp_path) as process:
            server.kill()
            rest = process.communicate()[0]
    assert process.returncode == 3, rest
    assert "went away under load" in rest


@pytest.mark.soak
def test_capacity_and_response_times_without_causes(tmp_path: Path) -> None:
    answers = {"/": (200, HTML, PAGE), "/books/1": (200, {}, b"{}")}
    with serving(answers) as server:
        found = pinchpoint("attach", server.url, "--quick", "--json=report.json", folder=tmp_path)
    assert found.status == 0, found.errors
    assert "(outside view, no causes)" in found.output
    assert found.report["view"] == "outside view, no causes"
    assert found.report["findings"] == []
    assert found.report["verdict"]["wall"] == ""
    assert all(point["p50_s"] > 0 for point in found.report["wall_points"])
    (page,) = tmp_path.glob(".pinchpoint/*/report.html")
    assert "Outside view, no causes" in page.read_text("utf-8")
