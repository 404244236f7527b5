"""Hold the probe to its bars: what it costs, measured with and without in one run.

    uv run python benchmarks/probe.py [--quick] [--only NAME ...] [--json FILE]

Exits with 1 where a bar is missed or could not be measured; a row whose interval does not decide
says that it is inconclusive. With --json, rows of earlier runs that were not measured again are
kept in the file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import probe_cost
import probe_truth
from rows import report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rows import Row

MEASURES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "recording": probe_cost.recording,
    "dormant": probe_cost.dormant,
    "closure": probe_truth.closure,
    "interpreter": probe_truth.interpreter,
    "blame": probe_truth.blame,
    "sites": probe_truth.sites,
}


def main() -> int:
    """Measure, print the table, write the JSON."""
    words = _arguments()
    names = words.only or MEASURES
    measured = ((name, row) for name in names for row in MEASURES[name](words.quick))
    return report(measured, words.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
