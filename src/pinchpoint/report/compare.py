"""Two runs side by side: capacity, endpoints, findings, and whether they may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.model.capacity import CapacityState
from pinchpoint.model.finding import Finding
from pinchpoint.model.report import Report
from pinchpoint.report.story import is_void
from pinchpoint.report.words import interval, names, times
from pinchpoint.stats.intervals import Interval, ratio_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SAME_PLACE = ("machine", "cores", "python", "app_python")
"""Of the environment: where these differ, so do the figures."""
CHANGED_RATIO = 0.1
"""A finding whose share of the mix moved by more than this has changed."""
NOISE_RATIO = 0.1
"""Two runs of the same application an hour apart differ by some percent on a shared machine,
whatever their own intervals say: a smaller difference is no regression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs.

    Attributes:
        report: What it says.
        medians_s: By endpoint of the mix: the median response time under its lightest load,
            where the least waiting is in it.
    """

    report: Report
    medians_s: Mapping[str, Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What has changed from one run to another.

    Attributes:
        before: The earlier run.
        after: The later one.
        capacity: after / before; None if one of them has no capacity.
        medians: By endpoint: after / before of the median response time.
        new: Findings of the later run alone.
        gone: Findings of the earlier run alone.
        changed: Findings of both whose share of the mix's response time moved.
        caveats: Why the figures may not be comparable, one sentence each.
    """

    before: Side
    after: Side
    capacity: Interval | None
    medians: Mapping[str, Interval]
    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    changed: tuple[tuple[Finding, Finding], ...]
    caveats: tuple[str, ...]


def compare(before: Side, after: Side) -> Comparison:
    """Compare two runs; nothing is decided."""
    earlier = {_cause(finding): finding for finding in before.report.findings}
    later = {_cause(finding): finding for finding in after.report.findings}
    both = [(earlier[cause], later[cause]) for cause in earlier if cause in later]
    return Comparison(
        before=before,
        after=after,
        capacity=_capacity_ratio(before.report, after.report),
        medians={
            endpoint: ratio_of(after.medians_s[endpoint], median_s)
            for endpoint, median_s in before.medians_s.items()
            if endpoint in after.medians_s
        },
        new=tuple(later[cause] for cause in later if cause not in earlier),
        gone=tuple(earlier[cause] for cause in earlier if cause not in later),
        changed=tuple(pair for pair in both if _has_moved(*pair)),
        caveats=tuple(_caveats(before, after)),
    )


def regressions(comparison: Comparison, noise_ratio: float = NOISE_RATIO) -> tuple[str, ...]:
    """What is worse than noise explains, one sentence each.

    A ratio counts if its interval leaves 1 out and the estimate is worse by more than the
    noise between two runs.
    """
    found: list[str] = []
    capacity = comparison.capacity
    if capacity and capacity.high < 1 and capacity.value < 1 - noise_ratio:
        found.append(f"the capacity is {ratio_words(capacity)} of what it was")
    for endpoint, ratio in comparison.medians.items():
        if ratio.low > 1 and ratio.value > 1 + noise_ratio:
            found.append(f"{endpoint} takes {ratio_words(ratio)} of the time that it took")
    return tuple(found)


def ratio_words(ratio: Interval) -> str:
    """`x0.81 (95 %: 0.78 to 0.84)`."""
    return f"{times(ratio.value)} (95 %: {interval(ratio.low, ratio.high)})"


def _cause(finding: Finding) -> tuple[str, ...]:
    """What stays when lines move: code, endpoint and function."""
    place = finding.location
    where = (place.file, place.function) if place else ()
    return (finding.code, finding.endpoint, *where, finding.parameters.get("table", ""))


def _has_moved(earlier: Finding, later: Finding) -> bool:
    return abs(later.mix_share_ratio - earlier.mix_share_ratio) > CHANGED_RATIO


def _capacity_ratio(before: Report, after: Report) -> Interval | None:
    """Of two runs that have a capacity."""
    if not (_has_capacity(before) and _has_capacity(after)):
        return None
    earlier, later = before.capacity, after.capacity
    return ratio_of(
        Interval(later.rate_rps, later.low_rps, later.high_rps),
        Interval(earlier.rate_rps, earlier.low_rps, earlier.high_rps),
    )


def _has_capacity(report: Report) -> bool:
    is_saturated = report.capacity.state is CapacityState.SATURATED
    return is_saturated and report.capacity.low_rps > 0 and not is_void(report)


def _caveats(before: Side, after: Side) -> Iterator[str]:
    """What makes the figures those of two different things."""
    old, new = before.report.environment, after.report.environment
    for name in SAME_PLACE:
        if old.get(name) != new.get(name):
            yield f"{name} differs: {old.get(name, 'unknown')} and {new.get(name, 'unknown')}"
    if before.report.is_outside != after.report.is_outside:
        yield "only one of the two runs had the probe inside"
    for who, only in (
        ("before", before.medians_s.keys() - after.medians_s.keys()),
        ("after", after.medians_s.keys() - before.medians_s.keys()),
    ):
        if only:
            yield f"the mixes differ: only {who} had {names(sorted(only), 3)}"
