"""The folders of runs: made, locked while their run lives, and swept when it died."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from pinchpoint.errors import LaunchError
from pinchpoint.launch.guardian_process import KILL_TIMEOUT_S, MARK, identity, remove_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

REGISTRY = "run.jsonl"
"""In each run's folder: what `guardian_process` notes. Its lock is held while the run lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that lives.

    Attributes:
        folder: Its temporary folder.
        registry: Descriptor of its registry; holds the lock.
        left_behind: What runs that died could not clean up, one phrase each.
    """

    folder: Path
    registry: int
    left_behind: tuple[str, ...] = ()


def default_base() -> Path:
    """Where the folders of this user's runs lie."""
    return Path(tempfile.gettempdir()) / f"pinchpoint-{os.geteuid()}"


def begin(base: Path) -> Run:
    """Sweep the runs that died, then make a folder for a new one.

    Raises:
        LaunchError: The base folder belongs to somebody else.
    """
    _make_private(base)
    with _locked(base):
        left_behind = sweep(base)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=base)).resolve()
        registry = os.open(folder / REGISTRY, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(registry, fcntl.LOCK_EX)
    return Run(folder=folder, registry=registry, left_behind=left_behind)


def sweep(base: Path) -> tuple[str, ...]:
    """End and remove what dead runs left; the notes of clean-up jobs that never ran.

    Assumes that no run begins meanwhile. A run lives as long as its registry is locked:
    the kernel unlocks it when the tool and the guardian are both gone, however they ended.
    """
    dead = [folder for folder in base.glob("run-*") if not _is_alive(folder)]
    return tuple(note for folder in dead for note in bury(folder))


def bury(folder: Path, done: Collection[int] = ()) -> tuple[str, ...]:
    """End what is left of a dead run and remove its folder.

    Args:
        folder: The run's.
        done: Numbers of clean-up jobs that ran without being registered as done.

    Returns:
        The notes of the jobs that never ran.
    """
    end_processes(folder)
    unfinished = open_jobs(folder)
    remove_folder(str(folder))
    return tuple(note for number, note in unfinished.items() if note and number not in done)


def open_jobs(folder: Path) -> Mapping[int, str]:
    """The clean-up jobs of a run that neither ran nor were cancelled, with their notes."""
    entries = _read_registry(folder)
    done = {entry["done"] for entry in entries if "done" in entry}
    jobs = {entry["job"]: entry["note"] for entry in entries if "job" in entry}
    return {number: note for number, note in jobs.items() if number not in done}


def end_processes(folder: Path) -> None:
    """Kill what is left of a dead run."""
    survivors = _survivors(folder, _read_registry(folder))
    for process in survivors:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(survivors, timeout=KILL_TIMEOUT_S)


def _make_private(base: Path) -> None:
    # Root's children may run as another user, who must be able to pass through, not to list.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    base.mkdir(mode=mode, parents=True, exist_ok=True)
    found = base.lstat()
    if found.st_uid != os.geteuid() or base.is_symlink() or found.st_mode & 0o022:
        raise LaunchError(
            f"{base} is not private: somebody else owns it or can write to it",
            "Remove it, or set TMPDIR to a folder of your own.",
        )


@contextmanager
def _locked(folder: Path) -> Generator[None, None, None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_alive(folder: Path) -> bool:
    try:
        with (folder / REGISTRY).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _read_registry(folder: Path) -> list[dict[str, Any]]:
    """Read all entries but a last one that was cut off."""
    entries: list[dict[str, Any]] = []
    with suppress(FileNotFoundError, json.JSONDecodeError):
        for line in (folder / REGISTRY).read_text().splitlines():
            entries.append(json.loads(line))  # noqa: PERF401  # keep those before the broken one
    return entries


def _survivors(folder: Path, entries: Iterable[dict[str, Any]]) -> set[psutil.Process]:
    """The run's children, their descendants, and all that inherited its mark."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    found = {process for process in others if _mark(process) == str(folder)}
    for entry in entries:
        # A process id is used again; together with its start it is not.
        if "pid" in entry and entry["identity"] and identity(entry["pid"]) == entry["identity"]:
            with suppress(psutil.NoSuchProcess):
                child = psutil.Process(entry["pid"])
                found |= {child, *child.children(recursive=True)}
    return found


def _mark(process: psutil.Process) -> str:
    with suppress(psutil.Error, OSError):
        return process.environ().get(MARK, "")
    return ""
