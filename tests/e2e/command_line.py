"""Run the command line as a user does, in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = Path(__file__).parent / "apps"
TIMEOUT_S = 300


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run of the command line gave."""

    status: int
    output: str
    errors: str
    report: dict[str, Any]

    @property
    def codes(self) -> set[str]:
        """Of all findings."""
        return {finding["code"] for finding in self.report.get("findings", [])}

    def finding(self, code: str, endpoint: str) -> dict[str, Any]:
        """The one finding with a code on an endpoint."""
        (found,) = [
            finding
            for finding in self.report["findings"]
            if (finding["code"], finding["endpoint"]) == (code, endpoint)
        ]
        return dict(found)


@contextlib.contextmanager
def private_temporary_folder() -> Iterator[Path]:
    """A TMPDIR of its own: short, as socket paths must be, and open for a database's user."""
    with tempfile.TemporaryDirectory(prefix="pp-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def processes_of(runs: Path) -> list[list[str]]:
    """The command lines of the processes that belong to the runs of a temporary folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = process.info["cmdline"] or []
        variables = process.info["environ"] or {}
        if any(str(runs) in word for word in [*words, *variables.values()]):
            found.append(words)
    return found


def pinchpoint(*arguments: str, folder: Path, **environment: str) -> Result:
    """Run `pinchpoint ARGUMENTS` in a folder with variables added; a report is read if written."""
    file = folder / "report.json"
    file.unlink(missing_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        [sys.executable, "-m", "pinchpoint", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    report = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return Result(status=done.returncode, output=done.stdout, errors=done.stderr, report=report)
