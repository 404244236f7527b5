"""Score the search for the capacity on simulated applications that are drawn at random.

    uv run python benchmarks/capacity.py [--runs 400] [--seed N] [--json FILE]

A run is good if it ends within 60 s of simulated time (default effort only) and within 5 % of the
truth. Exits with 1 where fewer than nine in ten are good. The applications are those of
tests/unit/load/queue_shapes.py; other seeds draw others.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "load"))

from queue_shapes import SHAPES, search_drawn

from pinchpoint.load.limits import NORMAL, THOROUGH

if TYPE_CHECKING:
    from queue_shapes import Run

    from pinchpoint.load.limits import SearchLimits

BAR = 0.9
CASES: dict[str, tuple[float, SearchLimits, float]] = {
    "default_effort_1_percent_noise": (0.01, NORMAL, 60.0),
    "thorough_5_percent_noise": (0.05, THOROUGH, math.inf),
}
"""Standard deviation of the machine's speed, effort, and the longest search in seconds."""


def wilson(good: int, runs: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, JASA 22, 1927)."""
    share, spread = good / runs, 1.96**2 / runs
    middle = share + spread / 2
    half = 1.96 * math.sqrt(share * (1 - share) / runs + spread / (4 * runs))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


def row(name: str, runs: list[Run], most_s: float, bar: float = BAR) -> dict[str, Any]:
    """One line of the table."""
    good = sum(abs(run.error_ratio) <= 0.05 and run.duration_s <= most_s for run in runs)
    low, high = wilson(good, len(runs))
    value = good / len(runs)
    line = {"name": name, "value": value, "low": low, "high": high, "n": len(runs)}
    return {**line, "bar": bar, "met": value >= bar}


def main() -> int:
    """Run, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    rows = []
    for case, (noise, limits, most_s) in CASES.items():
        runs = [search_drawn(words.seed + n, noise, limits) for n in range(words.runs)]
        rows.append(row(case, runs, most_s))
        for shape in SHAPES:
            some = [run for run in runs if run.shape == shape]
            if some:
                rows.append(row(f"{case}: {shape}", some, most_s, bar=0.0))
        times_s = sorted(run.duration_s for run in runs)
        print(f"{case}: median {times_s[len(times_s) // 2]:.0f} s, seed {words.seed}")
    for line in rows:
        print(f"{line['name']:<56} {line['value']:.3f} ({line['low']:.3f} to {line['high']:.3f})")
    if words.json:
        words.json.write_text(json.dumps({"seed": words.seed, "rows": rows}, indent=1), "utf-8")
    return 0 if all(line["met"] for line in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
