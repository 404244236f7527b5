"""Time `pinchpoint demo` end to end: five runs, medians of the milestones against their bars.

    uv run python benchmarks/demo.py [--runs 5] [--json FILE]

Exits with 1 where a bar is missed. Bars: issue "The main job, end to end".
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BARS_S = {"first_finding": 20.0, "verdict": 90.0, "report": 150.0}
"""Seconds; the first finding counts from the moment that the app is up."""
CAUSES = {"DB001", "DB002", "PL002", "AS001"}


def run_once(number: int) -> dict[str, Any]:
    """One demo in a folder of its own: its published JSON."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        command = [sys.executable, "-m", "pinchpoint", "demo", "--json", str(file)]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        print(f"run {number}: exit {done.returncode}", flush=True)
        return json.loads(file.read_text("utf-8")) if file.exists() else {"stderr": done.stderr}


def milestones(report: dict[str, Any]) -> dict[str, float]:
    """Seconds to each milestone."""
    elapsed = report.get("elapsed_s", {})
    up_s = elapsed.get("up", 0.0)
    return {
        "first_finding": elapsed.get("first_finding", float("inf")) - up_s,
        "verdict": elapsed.get("verdict", float("inf")),
        "report": elapsed.get("report", float("inf")),
    }


def main() -> int:
    """Run, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    reports = [run_once(number + 1) for number in range(words.runs)]
    rows = []
    for name, bar in BARS_S.items():
        values = sorted(milestones(report)[name] for report in reports)
        median = statistics.median(values)
        rows.append(_row(f"{name}_s", median, values, bar, met=median <= bar))
    named = [len(CAUSES & _codes(report)) for report in reports]
    rows.append(_row("causes_named", min(named), sorted(named), 4, met=min(named) == 4))
    proven = [_proven(report) for report in reports]
    rows.append(_row("proven_fixes", min(proven), sorted(proven), 1, met=min(proven) >= 1))
    for row in rows:
        print(f"{row['name']:<18} {row['value']:>8.2f}  bar {row['bar']:<6} met {row['met']}")
    if words.json:
        words.json.write_text(json.dumps({"rows": rows}, indent=1), "utf-8")
    return 0 if all(row["met"] for row in rows) else 1


def _row(name: str, value: float, values: list[float], bar: float, *, met: bool) -> dict[str, Any]:
    low, high = values[0], values[-1]
    return {
        "name": name,
        "value": value,
        "low": low,
        "high": high,
        "n": len(values),
        "bar": bar,
        "met": met,
    }


def _codes(report: dict[str, Any]) -> set[str]:
    findings = report.get("findings", [])
    return {finding["code"] for finding in findings}


def _proven(report: dict[str, Any]) -> int:
    trials = report.get("trials", [])
    return sum(trial["verdict"] == "improved" for trial in trials)


if __name__ == "__main__":
    sys.exit(main())
