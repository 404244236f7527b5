"""Repeat the search for the capacity of one real application: do its intervals agree?

    uv run python benchmarks/repeat.py [--runs 10] [--json FILE] [APP]

Nine of ten intervals overlap the pooled estimate (the mean of all runs, weighted by the inverse
squares of their intervals). Runs that the tool itself calls void, stopped or unsure are left out
by that flag, never by their result, and are replaced.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

STEADY = Path(__file__).parents[1] / "tests" / "e2e" / "apps" / "bad" / "steady.py"
BAR = 0.9
SPARE = 2.0
"""Times as many runs as are wanted, at most: more flagged ones and the machine is unfit."""


def run_once(app: Path) -> dict[str, Any]:
    """One check in a folder of its own: its verdict, and why it is flagged, if it is."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        options = ["--no-prove", f"--python={sys.executable}", "--json", str(file)]
        command = [sys.executable, "-m", "pinchpoint", "check", str(app), *options]
        subprocess.run(command, cwd=folder, check=False, capture_output=True)
        report = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if not report:
        return {"flag": "no report"}
    verdict, quality = report["verdict"], report["quality"]
    state = "" if verdict["state"] == "saturated" else verdict["state"]
    return {**verdict, "flag": "; ".join(quality["violations"]) or quality["stopped"] or state}


def pooled_rps(verdicts: list[dict[str, Any]]) -> float:
    """The mean, each run weighted by how narrow its interval is."""
    weights = [1 / max(one["high"] - one["low"], 1e-9) ** 2 for one in verdicts]
    rates = [one["capacity_rps"] for one in verdicts]
    return sum(w * rate for w, rate in zip(weights, rates, strict=True)) / sum(weights)


def main() -> int:
    """Run, print each interval, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", type=Path, nargs="?", default=STEADY)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    kept: list[dict[str, Any]] = []
    flagged: list[str] = []
    while len(kept) < words.runs and len(kept) + len(flagged) < SPARE * words.runs:
        verdict = run_once(words.app)
        if verdict["flag"]:
            flagged.append(verdict["flag"])
            print(f"left out: {verdict['flag']}", flush=True)
            continue
        kept.append(verdict)
        low, high = verdict["low"], verdict["high"]
        print(f"{verdict['capacity_rps']:.1f} ({low:.1f} to {high:.1f}) requests/s", flush=True)
    if not kept:
        return 1
    pooled = pooled_rps(kept)
    share = sum(one["low"] <= pooled <= one["high"] for one in kept) / len(kept)
    print(f"pooled {pooled:.1f} requests/s; {share:.0%} of the intervals hold it")
    met = share >= BAR and len(kept) == words.runs
    rates = [one["capacity_rps"] for one in kept]
    row = {"name": "intervals_that_hold_the_pooled_capacity", "value": share, "low": min(rates)}
    row |= {"high": max(rates), "n": len(kept), "bar": BAR, "met": met, "flagged": flagged}
    if words.json:
        words.json.write_text(json.dumps({"rows": [row]}, indent=1), "utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
