"""What the apps of the end-to-end tests need: interpreters of their own, data, partners."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.demo import Planted

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = Path(__file__).parent / "apps"
ENVIRONMENTS = Path(__file__).parent / ".venvs"


def environment(app_folder: Path, python: str = sys.executable) -> Path:
    """Build, or find, the virtual environment of an app; pinchpoint is not in it.

    Apps with the same requirements share one. Safe to call from several processes.

    Args:
        app_folder: Has a `requirements.txt`.
        python: The base interpreter, as a path or a version such as `3.13`.

    Returns:
        The environment's interpreter.

    Raises:
        subprocess.CalledProcessError: uv failed; what it said went to stderr.
    """
    requirements = app_folder / "requirements.txt"
    key = hashlib.sha256(f"{python}\n{requirements.read_text()}".encode()).hexdigest()[:16]
    folder = ENVIRONMENTS / key
    complete = folder / "complete"
    with _lock(ENVIRONMENTS / f"{key}.lock"):
        if not complete.exists():
            _uv("venv", "--clear", "--python", python, str(folder))
            _uv("pip", "install", "--python", str(folder), "--requirements", str(requirements))
            complete.touch()
    return folder / "bin" / "python"


def prepare(app_folder: Path, database_url: str) -> None:
    """Create the app's tables and rows in an empty database, by its own `prepare.py`."""
    command = [str(environment(app_folder)), "prepare.py"]
    variables = os.environ | {"DATABASE_URL": database_url}
    subprocess.run(command, cwd=app_folder, env=variables, check=True)


@contextlib.contextmanager
def partner(app_folder: Path) -> Iterator[str]:
    """Run the app's `partner.py` and yield its URL, for the variable PARTNER_URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "partner.py", str(port)], cwd=app_folder) as process:
        try:
            _await_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def planted(app_folder: Path) -> tuple[Planted, ...]:
    """The bottlenecks that `pinchpoint check` has to name; none for a healthy app."""
    entries = json.loads((app_folder / "planted.json").read_text())
    return tuple(Planted(**entry) for entry in entries)


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv")
    program = [uv] if uv else [sys.executable, "-m", "uv"]
    subprocess.run([*program, "--quiet", *arguments], check=True)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _await_port(port: int) -> None:
    for attempt in range(100):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.01 * attempt)
    raise TimeoutError(f"nothing listens on port {port}")
