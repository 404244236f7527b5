"""Earlier runs side by side; nothing is measured."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.errors import InconclusiveError, UsageError
from pinchpoint.report import store
from pinchpoint.report.compare import Side, compare, regressions
from pinchpoint.report.compare_text import as_text, history_line
from pinchpoint.stats.intervals import Interval
from pinchpoint.stats.quantiles import estimate_quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.report.compare import Comparison

FEWEST_ANSWERS = 30
"""Of an endpoint: the median of fewer has no interval worth the name."""


def compare_runs(before: Path, after: Path) -> str:
    """What has changed from one run to another, as text."""
    return as_text(compare(_side(before), _side(after)))


def gate(baseline: Path, run: Path, noise_ratio: float) -> tuple[str, ...]:
    """What is worse in a run than in the baseline, beyond noise; one sentence each.

    Raises:
        InconclusiveError: The two cannot be compared.
    """
    comparison = compare(_side(baseline), _side(run))
    _check_comparable(comparison)
    return regressions(comparison, noise_ratio)


def history(runs: Path) -> Iterator[str]:
    """One line for each run of a folder, the latest last."""
    for folder in sorted(file.parent for file in runs.glob("*/report.json")):
        try:
            yield history_line(store.load_report(folder))
        except UsageError as error:
            yield f"{folder.name:<20} {error}"


def _check_comparable(comparison: Comparison) -> None:
    if comparison.capacity is None:
        raise InconclusiveError(
            "one of the two runs has no capacity, so that there is nothing to compare",
            "Repeat it on a quiet machine; --thorough takes longer and is surer.",
        )
    if comparison.caveats:
        raise InconclusiveError(
            f"the two runs cannot be compared: {'; '.join(comparison.caveats)}",
            "Make the baseline on the same machine, with the same routes.",
        )


def _side(folder: Path) -> Side:
    recording = store.load_recording(folder)
    return Side(report=store.load_report(folder), medians_s=_medians_s(recording))


def _medians_s(recording: Recording) -> Mapping[str, Interval]:
    step = _lightest(recording)
    times_s: dict[str, list[float]] = defaultdict(list)
    for sample in step.samples if step else ():
        if sample.is_ok:
            times_s[sample.endpoint].append(sample.response_time_s)
    return {
        endpoint: _median(values)
        for endpoint, values in times_s.items()
        if len(values) >= FEWEST_ANSWERS
    }


def _lightest(recording: Recording) -> Step | None:
    """The open-loop step with the lowest rate, seen from inside or not."""
    steps = [step for step in recording.steps if step.arrivals is not None]
    return min(
        steps, key=lambda step: step.arrivals.rate_rps if step.arrivals else 0.0, default=None
    )


def _median(values: list[float]) -> Interval:
    found = estimate_quantile(values, 0.5)
    return Interval(found.value, found.low, found.high)
