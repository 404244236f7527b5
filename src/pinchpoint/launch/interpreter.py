"""Find the interpreter that has the application's dependencies."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from pinchpoint.errors import UsageError

FOLDERS = (".venv", "venv", "env")


def find_python(directory: Path, asked: str = "") -> tuple[Path, str]:
    """Choose an interpreter: `--python`, VIRTUAL_ENV, .venv beside the app or above it, PATH.

    A VIRTUAL_ENV that is the tool's own loses against the project's folder: `uv run` and
    `uvx` set it.

    Args:
        directory: Where the application is.
        asked: What the user asked for: an executable or the folder of an environment.

    Returns:
        The executable and how it was found.

    Raises:
        UsageError: What was asked for is not there.
    """
    if asked:
        return _asked(asked), "--python"
    active = os.environ.get("VIRTUAL_ENV", "")
    is_own = bool(active) and Path(active).resolve() == Path(sys.prefix).resolve()
    if active and not is_own and (python := _in_environment(Path(active))):
        return python, "VIRTUAL_ENV"
    for folder in (directory, *directory.parents):
        for name in FOLDERS:
            if python := _in_environment(folder / name):
                return python, str(folder / name)
        if (folder / "pyproject.toml").exists() or folder == Path.home():
            break
    if is_own or sys.prefix != sys.base_prefix:
        return Path(sys.executable), "the environment that pinchpoint runs in"
    return Path(shutil.which("python3") or sys.executable), "PATH"


def _asked(asked: str) -> Path:
    path = Path(asked).expanduser()
    if path.is_dir():
        if python := _in_environment(path):
            return python
        raise UsageError(f"--python {asked}: the folder has no bin/python")
    found = shutil.which(asked)
    if found is None:
        raise UsageError(
            f"--python {asked}: no such interpreter",
            "Give the path of an executable or the folder of a virtual environment.",
        )
    return Path(found).absolute()


def _in_environment(folder: Path) -> Path | None:
    python = folder / "bin" / "python"
    return python.absolute() if python.exists() else None
