"""Every server starts an application with the probe inside, in every worker, and goes away."""

from __future__ import annotations

import http.client
import importlib.util
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pinchpoint.errors import LaunchError
from pinchpoint.launch import choose_deployment, launch
from pinchpoint.launch.guardian import guard
from pinchpoint.model.app import App, Framework, Interface
from pinchpoint.observe.stream import Reader
from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.launch.inject import Probe
    from pinchpoint.model.running import Running
    from pinchpoint.model.span import Trace

pytestmark = pytest.mark.e2e

DEADLINE_S = 30.0
AT_ONCE = 8
FILES = {
    "plain_wsgi.py": """
        import time
        def app(environ, start_response):
            time.sleep(0.02)
            start_response("200 OK", [("Content-Length", "2")])
            yield b"ok"
        def create_app():
            return app
        """,
    "plain_asgi.py": """
        import time
        async def app(scope, receive, send):
            if scope["type"] == "http":
                time.sleep(0.02)  # so that another worker takes the next connection
                headers = [(b"content-length", b"2")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b"ok"})
        def create_app():
            return app
        """,
    "with_flask.py": """
        import time
        from flask import Flask
        def create_app():
            app = Flask(__name__)
            @app.get("/<name>")
            def greet(name):
                time.sleep(0.02)
                return "ok"
            return app
        """,
    "with_django.py": """
        import time
        from django.http import HttpResponse
        from django.urls import path
        def greet(request, name):
            time.sleep(0.02)
            return HttpResponse("ok")
        urlpatterns = [path("<str:name>", greet)]
        ROOT_URLCONF = "with_django"
        SECRET_KEY = "x"
        ALLOWED_HOSTS = ["*"]
        """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small applications."""
    folder = tmp_path_factory.mktemp("apps")
    for name, code in FILES.items():
        lines = [line.removeprefix("        ") for line in code.splitlines()]
        (folder / name).write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def guardian() -> Iterator[Guardian]:
    with guard() as one:
        yield one


def app_of(folder: Path, target: str) -> App:
    frameworks = {"with_flask": Framework.FLASK, "with_django": Framework.DJANGO}
    module = target.partition(":")[0]
    return App(
        target=target,
        interface=Interface.ASGI if module == "plain_asgi" else Interface.WSGI,
        framework=frameworks.get(module, Framework.UNKNOWN),
        directory=folder,
        python=Path(sys.executable),
        environment={"DJANGO_SETTINGS_MODULE": "with_django"},
    )


class Started:
    """A started application that is being recorded."""

    def __init__(self, running: Running, probe: Probe, reader: Reader) -> None:
        self.running = running
        self.traces: list[Trace] = []
        self._probe = probe
        self._reader = reader
        self._sent = 0

    def load(self) -> None:
        """Send some requests at once and take what was recorded of them."""
        numbers = range(self._sent + 1, self._sent + AT_ONCE + 1)
        self._sent += AT_ONCE
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert set(pool.map(self._get, numbers)) == {200}
        deadline_s = time.monotonic() + DEADLINE_S
        while len(self.traces) < self._sent and time.monotonic() < deadline_s:
            self.traces += self._reader.collect().traces
            time.sleep(0.01)

    def load_until_all_workers_answered(self) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        workers = self.running.deployment.workers
        while len({trace.pid for trace in self.traces}) < workers:
            assert time.monotonic() < deadline_s
            self.load()

    def _get(self, number: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=DEADLINE_S)
        with closing(connection):
            header = {wire.TRACE_HEADER: f"{number}-{time.perf_counter_ns()}"}
            connection.request("GET", "/me", headers=header)
            response = connection.getresponse()
            response.read()
            return response.status


@contextmanager
def started(guardian: Guardian, app: App, server: str, *, is_many: bool = False, threads: int = 0):
    deployment = choose_deployment(app, server, workers=2 if is_many else 0, threads=threads)
    with launch(guardian, app, deployment) as (running, probe, _):
        probe.set_recording(on=True)
        with closing(Reader(probe.folder)) as reader:
            yield Started(running, probe, reader)


def case(server: str, target: str, *marks: pytest.MarkDecorator, threads: int = 0) -> object:
    return pytest.param(server, target, threads, marks=marks, id=f"{server}-{target}")


HAS_UWSGI = importlib.util.find_spec("pyuwsgi") is not None


@pytest.mark.parametrize(
    ("server", "target", "threads"),
    [
        case("gunicorn", "plain_wsgi:app", threads=3),
        case("gunicorn", "plain_asgi:app", pytest.mark.soak),
        case("gunicorn_gevent", "plain_wsgi:app"),
        case("uvicorn", "plain_asgi:create_app()", pytest.mark.soak),
        case("hypercorn", "plain_asgi:create_app()"),
        case("hypercorn", "plain_wsgi:app", pytest.mark.soak),
        case("granian", "plain_asgi:create_app()"),
        case("granian", "plain_wsgi:create_app()", pytest.mark.soak, threads=2),
        case(
            "uwsgi",
            "with_flask:create_app()",
            pytest.mark.skipif(not HAS_UWSGI, reason="pyuwsgi is not installed"),
            threads=2,
        ),
    ],
)
def test_all_workers_of_a_server_record_their_requests(
    guardian: Guardian, folder: Path, server: str, target: str, threads: int
) -> None:
    app = app_of(folder, target)
    with started(guardian, app, server, is_many=True, threads=threads) as one:
        one.load_until_all_workers_answered()
        assert {trace.status for trace in one.traces} == {200}
        assert all(0 < trace.intended_ns < trace.start_ns < trace.end_ns for trace in one.traces)
        slots = one.running.deployment.slots
        used = {(trace.pid, trace.thread_id) for trace in one.traces}
        assert app.interface is Interface.ASGI or not slots or len(used) <= slots
        port = one.running.port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("server", "target", "name"),
    [
        ("waitress", "plain_wsgi:create_app()", ""),
        ("flask", "with_flask:create_app()", "Werkzeug"),
        ("django", "with_django:application", "wsgiref"),
    ],
)
def test_a_server_of_one_process_records_and_says_if_it_is_for_development(
    guardian: Guardian, folder: Path, server: str, target: str, name: str
) -> None:
    with started(guardian, app_of(folder, target), server) as one:
        one.load()
        assert len(one.traces) == AT_ONCE
        slots = one.running.deployment.slots
        assert not slots or len({trace.thread_id for trace in one.traces}) <= slots
        state = one.running.ask("state", {})
        assert (state["development_server"], state["failures"]) == (name, [])


def test_an_interpreter_that_keeps_the_probe_out_is_told_how_to_let_it_in(
    guardian: Guardian, folder: Path
) -> None:
    python = folder / "python"
    site = Path(pytest.__file__).parent.parent
    python.write_text(f'#!/bin/sh\nPYTHONPATH=$PYTHONPATH:{site} exec {sys.executable} -I "$@"\n')
    python.chmod(0o755)
    app = replace(app_of(folder, "plain_wsgi:create_app()"), python=python)
    with (
        pytest.raises(LaunchError, match="the probe is not inside") as caught,
        started(guardian, app, "waitress"),
    ):
        pass
    assert "start Python without -I, -E and -S" in caught.value.remedy
