"""Where the mean response time goes: client, queue, the application's parts, the way back."""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from pinchpoint.attribute.join import attributed_step, joined
from pinchpoint.attribute.runnable import database_limits_ns, runnable_ns
from pinchpoint.attribute.selftime import self_times_ns
from pinchpoint.model.budget import Budget
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.sample import Sample
    from pinchpoint.model.span import Trace

    Split: TypeAlias = tuple[Sample, Mapping[Category, float]]

MIX = "*"
"""The endpoint of the budget of the whole mix."""
NO_ACCOUNT: Mapping[str, float] = MappingProxyType({})
"""Where the database says nothing of its time."""


def attribute(recording: Recording) -> tuple[Budget, ...]:
    """One budget for the whole mix, then one for each endpoint, the most total time first.

    From the pinned load; before there is one, from the last step that the probe recorded.
    Requests without an answer are left out.
    """
    step = attributed_step(recording)
    return _budgets(_splits(recording, step), 1.0) if step else ()


def attribute_slowest(recording: Recording, share: float = 0.01) -> tuple[Budget, ...]:
    """As `attribute`, over the slowest requests of each group.

    Args:
        recording: With a step that the probe recorded.
        share: Of the group's requests, 0 to 1; at least one request is taken.
    """
    step = attributed_step(recording)
    return _budgets(_splits(recording, step), share) if step else ()


def mix_budget(recording: Recording, step: Step) -> Budget:
    """The budget of all endpoints together, at one load of a recording."""
    return _budget(MIX, _splits(recording, step))


def split_ns(
    sample: Sample, trace: Trace | None, limits_ns: Mapping[str, float] = NO_ACCOUNT
) -> Mapping[Category, float]:
    """Split one response time into parts that add up to it.

    A statement's time beyond its limit (see `database_limits_ns`) is RUNNABLE instead of SQL.

    What the application does after the client has its answer (a body's `close()`) belongs to
    no part. UNATTRIBUTED is what no other part explains: all but the client's lag if the probe
    has no record of the request, and where the clocks' order is impossible (begun before it
    was due) the overlap, as a negative time.
    """
    trace = _until_answered(sample, trace)
    parts: dict[Category, float] = _edges_ns(sample, trace)
    if trace is not None:
        parts.update(self_times_ns(trace))
        excess_ns = min(runnable_ns(trace, limits_ns), parts.get(Category.SQL, 0.0))
        if excess_ns:
            parts[Category.SQL] -= excess_ns
            parts[Category.RUNNABLE] = excess_ns
    parts[Category.UNATTRIBUTED] = sample.completed_ns - sample.intended_ns - sum(parts.values())
    return parts


def remainder_ns(sample: Sample, trace: Trace | None) -> float:
    """UNATTRIBUTED of `split_ns`; exclusive times add up, so that they need not be known."""
    trace = _until_answered(sample, trace)
    inside_ns = trace.end_ns - trace.start_ns if trace else 0
    explained_ns = inside_ns + sum(_edges_ns(sample, trace).values())
    return sample.completed_ns - sample.intended_ns - explained_ns


def _until_answered(sample: Sample, trace: Trace | None) -> Trace | None:
    """The part of a trace that the client waited for; None where that is impossible."""
    if trace is None or trace.end_ns <= sample.completed_ns:
        return trace
    if trace.start_ns > sample.completed_ns:
        return None
    return trace._replace(end_ns=sample.completed_ns)


def _edges_ns(sample: Sample, trace: Trace | None) -> dict[Category, float]:
    """The times before and after the application's work that are possible: above 0.

    What the application has begun had been sent, although a busy machine may keep the client
    from looking at the clock until later.
    """
    sent_ns = sample.sent_ns if trace is None else min(sample.sent_ns, trace.start_ns)
    edges: dict[Category, float] = {Category.CLIENT: sent_ns - sample.intended_ns}
    if trace is not None:
        edges[Category.QUEUE] = trace.start_ns - sent_ns
        edges[Category.RESPONSE] = sample.completed_ns - trace.end_ns
    return {category: time_ns for category, time_ns in edges.items() if time_ns > 0}


def _splits(recording: Recording, step: Step) -> list[Split]:
    limits_ns = database_limits_ns(recording, step)
    return [(sample, split_ns(sample, trace, limits_ns)) for sample, trace in joined(step)]


def _budgets(splits: Sequence[Split], share: float) -> tuple[Budget, ...]:
    if not splits:
        return ()
    groups: dict[str, list[Split]] = defaultdict(list)
    for split in splits:
        groups[split[0].endpoint].append(split)
    budgets = [_budget(endpoint, _slowest(group, share)) for endpoint, group in groups.items()]
    budgets.sort(key=lambda budget: -budget.requests * budget.response_time_s)
    return (_budget(MIX, _slowest(splits, share)), *budgets)


def _slowest(splits: Sequence[Split], share: float) -> Sequence[Split]:
    ranked = sorted(splits, key=lambda split: -split[0].response_time_s)
    return ranked[: max(1, round(share * len(ranked)))]


def _budget(endpoint: str, splits: Sequence[Split]) -> Budget:
    requests = len(splits)
    sums_ns = _sums(parts for _, parts in splits)
    return Budget(
        endpoint=endpoint,
        requests=requests,
        response_time_s=sum(sample.response_time_s for sample, _ in splits) / max(1, requests),
        parts_s={name: time_ns / requests / 1e9 for name, time_ns in sums_ns.items() if time_ns},
    )


def _sums(parts: Iterable[Mapping[Category, float]]) -> Mapping[Category, float]:
    sums: dict[Category, float] = defaultdict(float)
    for part in parts:
        for category, time_ns in part.items():
            sums[category] += time_ns
    return {category: sums[category] for category in Category if category in sums}
