"""Run code and servers with the probe injected, as the tool does."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import pytest
import reading

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
INJECT = Path(wire.__file__).parent / "inject"
TOKEN = "a-token"
DEADLINE_S = 30.0
"""Far beyond what a loaded machine needs to start a server."""


def interpreters() -> list[str]:
    """This interpreter and the other supported versions that this machine has."""
    names = [f"python3.{minor}" for minor in range(10, 15)]
    roots = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*map(shutil.which, names), *map(str, sorted(roots.glob("3.*/bin/python")))]
    versions = {_version(path): path for path in found if path}
    return [sys.executable, *(path for name, path in sorted(versions.items()) if _is_other(name))]


def _version(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return run.stdout.strip()


def _is_other(version: str) -> bool:
    supported = {f"3.{minor}" for minor in range(10, 15)}
    return version in supported and version != f"3.{sys.version_info[1]}"


class Probe:
    """A run's probe folder, and processes of an application that write to it."""

    def __init__(self, folder: Path, app: Path) -> None:
        self.folder = folder
        self.app = app
        folder.mkdir()
        app.mkdir()
        (folder / "control").write_bytes(bytes(wire.CONTROL_BYTES))
        self.record()

    def record(self, *, is_on: bool = True) -> None:
        with (self.folder / "control").open("r+b") as control:
            control.seek(wire.CONTROL_RECORDING)
            control.write(bytes([is_on]))

    def write(self, name: str, code: str) -> Path:
        """Write a file of the application."""
        file = self.app / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(code))
        return file

    def environment(self, *, is_injected: bool = True, **more: str) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        if is_injected:
            environment |= {
                "PYTHONPATH": str(INJECT),
                wire.DIRECTORY_VARIABLE: str(self.folder),
                wire.TOKEN_VARIABLE: TOKEN,
                wire.USER_CODE_VARIABLE: str(self.app),
            }
        # gunicorn makes its control socket there, or in the user's home.
        environment["XDG_RUNTIME_DIR"] = str(self.folder)
        return environment | {"PYTHONDONTWRITEBYTECODE": "1"} | more

    def run(self, code: str, *, python: str = sys.executable, **options: Any) -> str:
        """Run code as the application's main file and return what it prints."""
        file = self.write("main.py", code)
        done = subprocess.run(
            [python, str(file)],
            env=self.environment(**options),
            capture_output=True,
            text=True,
            cwd=self.app,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def serve(self, *command: str, is_injected: bool = True) -> Iterator[Server]:
        """Run `python -m <command>` until it answers; `{port}` becomes a free one."""
        port = _free_port()
        words = [word.replace("{port}", str(port)) for word in command]
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.app,
            env=self.environment(is_injected=is_injected, PYTHONSAFEPATH=""),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            server = Server(port)
            _wait_until_up(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.communicate(timeout=DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


class Server:
    """A started server, on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(
        self,
        path: str,
        *,
        trace: int = 0,
        method: str = "GET",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send one request; with a trace id, one that is to be recorded."""
        sent = dict(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            if trace:
                sent[wire.TRACE_HEADER] = f"{trace}-{time.perf_counter_ns()}"
            connection.request(method, path, headers=sent)
            response = connection.getresponse()
            body = response.read()
            changing = {"date"}
            kept = [pair for pair in response.getheaders() if pair[0].lower() not in changing]
            return response.status, sorted(kept), body
        finally:
            connection.close()

    def ask(self, command: str, *, token: str = TOKEN, **arguments: Any) -> Any:
        """Send a command of the tool and return the answer."""
        header = f"{token} {command} {quote(json.dumps(arguments))}"
        _, _, body = self.get("/", headers={wire.COMMAND_HEADER: header})
        return json.loads(body)


class Traced:
    """What the probe recorded of one request, and what the client was answered."""

    _ids = itertools.count(1)

    def __init__(self, probe: Probe, server: Server, path: str, method: str = "GET") -> None:
        self.trace = next(self._ids)
        self.answer = server.get(path, trace=self.trace, method=method)
        self._folder = probe.folder
        self.request = poll(self._request)

    def _request(self) -> reading.Record | None:
        found = [one for one in reading.requests(self._folder) if one.trace == self.trace]
        return found[0] if found else None

    @property
    def endpoint(self) -> str:
        return self.request.name

    def spans(self, category: str) -> list[reading.Record]:
        every = reading.spans(self._folder, category)
        return [span for span in every if span.trace == self.trace]

    def wait_for(self, category: str, count: int) -> list[reading.Record]:
        """Spans of which some come after the answer, such as a dependency's end."""

        def find() -> list[reading.Record] | None:
            found = self.spans(category)
            return found if len(found) >= count else None

        return poll(find)

    def functions(self, category: str) -> list[str]:
        """The functions that the sites of a category's spans are in."""
        return [span.function for span in self.spans(category)]


def poll(find: Callable[[], T | None]) -> T:
    """Wait until there is something to find."""
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        found = find()
        if found is not None:
            return found
        time.sleep(0.02)
    pytest.fail("nothing was found in time")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_up(server: Server, process: subprocess.Popen[bytes]) -> None:
    def is_up() -> bool | None:
        if process.poll() is not None:
            _, errors = process.communicate()
            pytest.fail(f"the server ended: {errors.decode()[-2000:]}")
        try:
            return bool(server.get("/"))
        except OSError:
            return None

    poll(is_up)
