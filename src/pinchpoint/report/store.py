"""The folder of a run: where report and recording are kept."""

from __future__ import annotations

import gc
import gzip
import json
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, cast

from pinchpoint.errors import UsageError
from pinchpoint.model.recording import Recording
from pinchpoint.model.report import Report
from pinchpoint.report.codec import codec
from pinchpoint.report.redaction import redact_tree

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

RUNS = ".pinchpoint"
ANALYSIS = "analysis.json.gz"
RECORDING = "recording.json.gz"
VERSION = 1
"""Of the stored form. A field with a default may be added without a new version."""
COMPRESSION_LEVEL = 3
"""Level 9 takes several times as long and saves a tenth of the size."""


def new_run_folder(base: Path, now_s: float) -> Path:
    """Create the folder of a run, named after the local time.

    Two runs that start in the same second get different folders.

    Args:
        base: The directory in which `.pinchpoint` is, or will be.
        now_s: Seconds since the epoch.

    Raises:
        UsageError: The directory cannot be written.
    """
    runs = base / RUNS
    name = datetime.fromtimestamp(now_s, tz=UTC).astimezone().strftime("%Y-%m-%dT%H%M%S")
    with _explained(runs):
        runs.mkdir(parents=True, exist_ok=True)
        (runs / ".gitignore").write_text("*\n", encoding="utf-8")
        return next(
            folder
            for number in count(1)
            if _is_new(folder := runs / (name if number == 1 else f"{name}-{number}"))
        )


def _is_new(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def save(folder: Path, report: Report, recording: Recording) -> None:
    """Write report and recording, redacted; a reader never sees half a file.

    Raises:
        UsageError: The folder cannot be written.
    """
    with _explained(folder), _collector_paused():
        _write(folder / ANALYSIS, Report, report)
        _write(folder / RECORDING, Recording, recording)


def load_report(path: Path) -> Report:
    """Read a report.

    Args:
        path: The folder of a run, or the file in it.

    Raises:
        UsageError: There is none, or it cannot be read by this version.
    """
    return cast("Report", _read(path, ANALYSIS, Report))


def load_recording(path: Path) -> Recording:
    """Read a recording; as `load_report`.

    Raises:
        UsageError: There is none, or it cannot be read by this version.
    """
    return cast("Recording", _read(path, RECORDING, Recording))


def _write(file: Path, noun: type, value: object) -> None:
    tree = {"version": VERSION, noun.__name__: redact_tree(codec(noun).encode(value))}
    packed = gzip.compress(
        json.dumps(tree, separators=(",", ":")).encode("ascii"), COMPRESSION_LEVEL, mtime=0
    )
    partial = file.with_suffix(".partial")
    partial.write_bytes(packed)
    partial.replace(file)


def _read(path: Path, name: str, noun: type) -> object:
    file = path / name if path.is_dir() else path
    try:
        with _collector_paused():
            return _decoded(file, noun)
    except FileNotFoundError:
        raise UsageError(f"no run in {path}: there is no {name}") from None
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is not a {noun.__name__.lower()} of pinchpoint") from error


def _decoded(file: Path, noun: type) -> object:
    tree = json.loads(gzip.decompress(file.read_bytes()))
    if tree["version"] != VERSION:
        raise UsageError(
            f"{file} was written by another version of pinchpoint",
            f"This one reads version {VERSION} of stored runs; repeat the run with it.",
        )
    return codec(noun).decode(tree[noun.__name__])


@contextmanager
def _collector_paused() -> Generator[None]:
    """Half a million new tuples without a cycle: to search them for cycles doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder}: {error.strerror}",
            "Start pinchpoint in a directory that you may write to.",
        ) from error
