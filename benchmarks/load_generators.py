"""Pinchpoint's engine, wrk and Locust behind one question: what did you do, and at what cost?"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from pinchpoint.load.engines.openloop import OpenLoop
from pinchpoint.model.workload import RequestTemplate, Workload
from rows import NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
LOCUSTFILE = Path(__file__).with_name("load_locustfile.py")
WRK_REPORT = """
function done(summary, latency, requests)
  io.write(string.format('{"requests": %d, "mean_s": %.6f, "quantiles_s": [',
    summary.requests, latency.mean / 1e6))
  local shares = {SHARES}
  for index, share in ipairs(shares) do
    io.write(index > 1 and ", " or "", string.format("%.6f", latency:percentile(share) / 1e6))
  end
  io.write("]}\\n")
end
"""
"""Lua; wrk counts in microseconds."""
NGINX_CONFIGURATION = """
daemon off;
worker_processes 1;
error_log stderr crit;
pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:PORT backlog=4096;
    location = /login { add_header Set-Cookie "session=0123456789abcdef"; return 200 "hello"; }
    location / { return 200 "hello"; }
  }
}
"""
START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What another tool says of its run.

    Attributes:
        requests: Answered.
        cpu_s: CPU time that it took; 0 if it was not asked for.
        mean_s: Of what the tool calls latency or response time.
        quantiles_s: Of the same, at QUANTILES.
    """

    requests: int
    cpu_s: float
    mean_s: float
    quantiles_s: Sequence[float]

    @property
    def cpu_per_request_s(self) -> float:
        """CPU time of one request."""
        return self.cpu_s / self.requests


class Engine:
    """Our engine, with the process that it runs in."""

    def __init__(self, loop: OpenLoop, process: psutil.Process) -> None:
        self.loop = loop
        self.process = process

    def cpu_s(self) -> float:
        """All CPU time so far, start and reports included."""
        schedstat = Path(f"/proc/{self.process.pid}/schedstat")
        if schedstat.exists():
            return int(schedstat.read_text("ascii").split()[0]) / 1e9
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def cpu_per_request_s(self, in_flight: int, duration_s: float) -> float:
        """CPU time of one request of a closed loop, from its command to its report."""
        before_s = self.cpu_s()
        for _ in self.loop.closed(in_flight, duration_s, "plateau"):
            pass
        return (self.cpu_s() - before_s) / len(self.loop.steps.pop().samples)


@contextmanager
def engine(url: str, workload: Workload | None = None, **options: Any) -> Iterator[Engine]:
    """Our engine against a server, by default with one plain GET."""
    processes: list[psutil.Popen] = []

    def start(command: Sequence[str]) -> None:
        processes.append(psutil.Popen(command))

    plain = Workload(templates=(RequestTemplate(endpoint="GET /", paths=("/",)),))
    loop = OpenLoop(start=start, workload=workload or plain, base_url=url, **options)
    try:
        yield Engine(loop, processes[0])
    finally:
        loop.close()
        processes[0].wait(START_TIMEOUT_S)


def run_wrk(program: str, url: str, connections: int, duration_s: float) -> Outcome:
    """One run of wrk in one thread."""
    shares = ", ".join(str(share * 100) for share in QUANTILES)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "report.lua")
        script.write_text(WRK_REPORT.replace("SHARES", shares), "ascii")
        words = ["-t1", f"-c{connections}", f"-d{round(duration_s)}s", "-s", str(script), url]
        return _outcome([program, *words], dict(os.environ))


def run_locust(
    python: str, url: str, users: int, duration_s: float, rate_rps: float = 0
) -> Outcome:
    """One run of Locust's FastHttpUser without a web page.

    Args:
        python: An interpreter that has Locust.
        url: The server.
        users: At once, all from the beginning.
        duration_s: Of the run.
        rate_rps: Of all users, by `constant_throughput`; 0 asks again at once.
    """
    words = ["-m", "locust", "--headless", "--only-summary", "--skip-log-setup"]
    words += ["-f", str(LOCUSTFILE), "-H", url, "-u", str(users), "-r", str(users)]
    words += ["-t", f"{round(duration_s)}s"]
    environment = {
        **os.environ,
        "USER_RATE_RPS": str(rate_rps / users),
        "QUANTILES": json.dumps(QUANTILES),
    }
    return _outcome([python, *words], environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """A server and the process that answers."""

    url: str
    worker: psutil.Process


@contextmanager
def nginx(program: str) -> Iterator[Nginx]:
    """A private nginx with one worker."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(NGINX_CONFIGURATION.replace("PORT", str(port)), "ascii")
        command = [program, "-p", folder, "-c", str(configuration), "-e", "stderr"]
        with subprocess.Popen(command) as process:
            try:
                worker = _worker(psutil.Process(process.pid), port)
                yield Nginx(url=f"http://127.0.0.1:{port}", worker=worker)
            finally:
                process.terminate()


def _outcome(command: Sequence[str], environment: dict[str, str]) -> Outcome:
    """Run a tool that ends with a line of JSON; its CPU time is the system's if it names none."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None  # noqa: S101  # for the type checker
        output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    line = next(line for line in reversed(output.splitlines()) if line.startswith("{"))
    return Outcome(**{"cpu_s": usage.ru_utime + usage.ru_stime, **json.loads(line)})


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _worker(master: psutil.Process, port: int) -> psutil.Process:
    """Wait until a server's worker is there and its port is open."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and master.is_running():
        workers = master.children()
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            if workers:
                return workers[0]
        time.sleep(0.05)
    raise NotRunError("nginx did not start")
