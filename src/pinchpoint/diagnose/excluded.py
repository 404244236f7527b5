"""The usual suspects that are not the problem, each with the number that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.diagnose.case import MIX, attributed_step
from pinchpoint.model.report import RuledOut
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.model.budget import Budget
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording, Step

MOST_SHARE_RATIO = 0.05
"""Of the mix's response time: removing it altogether would win no more than this."""
MOST_BUSY_RATIO = 0.5
"""Of its CPU: a resource that is used less delays little (M/M/1: one service time at most)."""

SUSPECTS = (
    ("framework overhead", Category.FRAMEWORK, frozenset[str]()),
    ("pool wait", Category.POOL_WAIT, frozenset({"PL001", "PL002"})),
    ("connecting", Category.CONNECT, frozenset[str]()),
    ("serialization", Category.SERIALIZE, frozenset({"CP002"})),
    ("templates", Category.TEMPLATE, frozenset[str]()),
    ("cache", Category.CACHE, frozenset({"CA001"})),
    ("waiting for locks", Category.LOCK, frozenset({"LK001"})),
    ("password hashing", Category.HASH, frozenset({"CP003"})),
    ("garbage collection", Category.GC, frozenset[str]()),
    ("waiting for a thread", Category.EXECUTOR, frozenset[str]()),
)
"""Name, where its time shows, and the findings that would contradict it."""


def ruled_out(
    recording: Recording, budgets: Sequence[Budget], findings: Sequence[Finding]
) -> tuple[RuledOut, ...]:
    """Bound what is not to blame by its measured share; nothing that was not measured."""
    mix = next((budget for budget in budgets if budget.endpoint == MIX), None)
    step = attributed_step(recording)
    if mix is None or step is None:
        return ()
    codes = {finding.code for finding in findings}
    return (*_small_parts(mix, codes), *_idle_resources(step))


def _small_parts(mix: Budget, codes: set[str]) -> Iterator[RuledOut]:
    for name, category, contradictions in SUSPECTS:
        share_ratio = mix.share_ratio(category)
        if 0 < share_ratio <= MOST_SHARE_RATIO and not codes & contradictions:
            time_ms = 1e3 * mix.parts_s[category]
            reason = f"{time_ms:.2g} ms, {share_ratio:.1%} of the response time"
            yield RuledOut(name=name, reason=reason)


def _idle_resources(step: Step) -> Iterator[RuledOut]:
    for resource in step.resources:
        cores = 1 if resource.resource == "generator" else resource.capacity_s / step.duration_s
        available_s = cores * step.duration_s
        if resource.resource not in {"database", "generator"} or not available_s:
            continue
        busy_ratio = resource.cpu_s / available_s
        if busy_ratio <= MOST_BUSY_RATIO:
            of_what = "one core" if cores == 1 else f"{cores:.0f} cores"
            reason = f"{busy_ratio:.0%} of {of_what}"
            yield RuledOut(name=f"{resource.resource} CPU", reason=reason)
