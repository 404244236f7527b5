"""Run the command line as a user does, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
