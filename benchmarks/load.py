"""Hold the load engine to its bars: ratios measured side by side in one run.

    uv run python benchmarks/load.py [--quick] [--only NAME ...] [--json FILE]

Takes 12 minutes, with --quick 3; `memory`, which takes another 10, only runs if it is named.
Exits with 1 where a bar is missed or could not be measured. With --json, rows of earlier runs
that were not measured again are kept in the file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import load_efficiency
import load_histogram
import load_schedule
import load_truth
from load_rows import FULL, QUICK, Tools
from pinchpoint.errors import PinchpointError
from rows import NotRunError, Row, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from load_rows import Effort

    Measure = Callable[[Tools, Effort], Iterator[Row]]

MEASURES: dict[str, Measure] = {
    "plain": load_efficiency.plain,
    "journeys": load_efficiency.journeys,
    "locust": load_efficiency.locust,
    "truth": load_truth.truth,
    "beside": load_truth.beside,
    "waiting": load_schedule.waiting,
    "spinning": load_schedule.spinning,
    "sustained": load_schedule.sustained,
    "histogram": load_histogram.histogram,
    "memory": load_schedule.memory,
}
BY_NAME_ONLY = {"memory"}


def main() -> int:
    """Measure, print the table, write the JSON."""
    words = _arguments()
    tools = Tools(nginx=words.nginx, wrk=words.wrk, locust=words.locust)
    names = words.only or [name for name in MEASURES if name not in BY_NAME_ONLY]
    effort = QUICK if words.quick else FULL
    measured = ((name, row) for name in names for row in _measure(name, tools, effort))
    return report(measured, words.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--nginx", type=Path, help="the program")
    parser.add_argument("--wrk", type=Path, help="the program")
    parser.add_argument("--locust", type=Path, help="a Python interpreter that has Locust")
    return parser.parse_args()


def _measure(name: str, tools: Tools, effort: Effort) -> Iterator[Row]:
    try:
        yield from MEASURES[name](tools, effort)
    except (NotRunError, PinchpointError) as error:
        yield Row(name=name, value=None, note=f"not run: {error}")


if __name__ == "__main__":
    sys.exit(main())
