"""Starts the apps of the probe's benchmark, with the probe inside or without, and weighs them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pinchpoint.launch.inject import PROBE, Probe
from pinchpoint.launch.services import free_port
from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = Path(__file__).parent / "probe_apps"
SERVERS = {
    "django": ("gunicorn", "--log-level=error", "--bind=127.0.0.1:{port}", "django_shop:app"),
    "flask": ("gunicorn", "--log-level=error", "--bind=127.0.0.1:{port}", "flask_shop:app"),
    "fastapi": ("uvicorn", "--log-level=error", "--port={port}", "fastapi_shop:app"),
}
START_TIMEOUT_S = 30
IDLE_S = 0.002
"""After the last answer, until the worker has nothing left to do for it."""
OTHER_HEADER = "X-Pinchpoinx"
"""Costs the server as much as the real one, and nobody looks at it."""


@dataclass(slots=True)
class Server:
    """A started app.

    Attributes:
        port: On loopback.
        pid: Of the server's first process.
    """

    port: int
    pid: int
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, path: str, times: int, *, is_recorded: bool) -> float:
        """Send requests one after the other; the CPU time that the app needed, in seconds."""
        name = wire.TRACE_HEADER if is_recorded else OTHER_HEADER
        before_s = self.cpu_s()
        for _ in range(times):
            self._get(path, {name: f"{1:020d}-{time.perf_counter_ns():020d}"})
        time.sleep(IDLE_S)
        return self.cpu_s() - before_s

    def cpu_s(self) -> float:
        """CPU time of all its threads so far: schedstat counts nanoseconds."""
        processes = [psutil.Process(self.pid)]
        processes += processes[0].children(recursive=True)
        stats = [
            task / "schedstat"
            for process in processes
            for task in Path(f"/proc/{process.pid}/task").iterdir()
        ]
        return sum(int(stat.read_text("ascii").split()[0]) for stat in stats) / 1e9

    def _get(self, path: str, headers: dict[str, str]) -> None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} answers {answer.status}")


@contextmanager
def serve(framework: str, url: str, folder: Path, *, is_injected: bool = True) -> Iterator[Server]:
    """Run an app under its server until the block ends.

    Args:
        framework: A key of SERVERS.
        url: Of the database, for SQLAlchemy.
        folder: For the probe's records.
        is_injected: The probe is inside and records whatever carries its header.
    """
    port = free_port()
    command = [word.replace("{port}", str(port)) for word in SERVERS[framework]]
    environment = {name: text for name, text in os.environ.items() if "PYTHON" not in name}
    environment |= {"SHOP_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
    if is_injected:
        environment |= _injected(Probe.create(folder))
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=APPS, env=environment, process_group=0
    ) as process:
        try:
            server = Server(port, process.pid)
            _wait_until_up(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)


def _injected(probe: Probe) -> dict[str, str]:
    probe.set_recording(on=True)
    return {
        "PYTHONPATH": str(PROBE / "inject"),
        wire.DIRECTORY_VARIABLE: str(probe.folder),
        wire.TOKEN_VARIABLE: probe.token,
        wire.USER_CODE_VARIABLE: str(APPS),
    }


def _wait_until_up(server: Server) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            server.get("/hello", 1, is_recorded=False)
        except OSError:
            server._connection = None  # noqa: SLF001  # it was refused
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return
