"""The laws of queueing that a recording must obey; one that does not is void."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.attribute.budget import remainder_ns
from pinchpoint.attribute.join import answered, attributed_step, joined
from pinchpoint.model.app import has_slots
from pinchpoint.stats.lateness import CPU_RATIO, is_late, late_text
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.recording import Recording, Step

FEWEST_COMPLETIONS = 200
"""Below, chance alone moves the averages by more than the laws allow."""
LITTLE_RATIO = 0.05
"""N = X R holds for any stable system; 5 % is what a request cut off at each end may cost."""
REMAINDER_RATIO = 0.02
UTILIZATION_RATIO = 1.05
LOST_RATIO = 0.01
UNSEEN_RATIO = 0.01
CONTAMINATED_RATIO = 0.05
"""Of the machine's CPU: more for strangers than this shows in the figures
(reference: measurement.md §2.4)."""
OPEN_LOOP_VERDICTS = ("pin",)
"""Steps whose response times are reported; lag in any other is a warning. A confirmation says
only whether the load was sustained: one that was not makes the generator late as well. A trial of
an objective that was late is repeated, and its outcome is one of many."""


def violations(recording: Recording) -> tuple[str, ...]:
    """The laws that the recording breaks, one sentence each; any makes the run void."""
    found = [*_generator(recording), *_late_steps(recording, OPEN_LOOP_VERDICTS)]
    step = attributed_step(recording)
    if step is not None:
        found += [*_little(step), *_remainder(step), *_lost(step)]
        if has_slots(recording.app, recording.deployment):
            found += _utilization(step, recording.deployment.slots)
    return tuple(found)


def warnings(recording: Recording) -> tuple[str, ...]:
    """What the reader should know before believing a figure, one sentence each."""
    found = [f"the probe does not see all: {text}" for text in recording.probe.failures]
    found += [
        f"{name} observes the application too: what it costs shows as the application's own time"
        for name in recording.probe.instruments
    ]
    found += _late_steps(recording, ("load", "confirm", "slo"))
    step = attributed_step(recording)
    if step is not None:
        found += [*_few(step), *_unseen(step), *_failed(step), *_strangers(step)]
        if 0 < _lost_ratio(step) <= LOST_RATIO:
            found.append(f"the probe lost {_lost_ratio(step):.2%} of its records")
    return tuple(found)


def generator_cpu_ratio(recording: Recording) -> float:
    """The busy part of one core at the plateau, or without one at the pinned load."""
    step = recording.step("plateau") or attributed_step(recording)
    return _cpu_s(step, "generator") / step.duration_s if step and step.duration_s else 0.0


def lag_p99_s(recording: Recording) -> float:
    """How late the generator sent, at the pinned load; from outside at the heaviest one."""
    step = recording.step("load") if recording.is_outside else attributed_step(recording)
    return _lag_p99_s(step) if step and step.samples else 0.0


def lost_ratio(recording: Recording) -> float:
    """The part of the probe's records that were lost, at the pinned load."""
    step = attributed_step(recording)
    return _lost_ratio(step) if step else 0.0


def _little(step: Step) -> Iterator[str]:
    """N seen by the probe against X R seen by the client.

    The probe's N: from the intended start, which each request carries to it, to the end of
    its trace. The client's: from the intended start to the answer, less the way back, which
    the probe cannot see. Both are sums of times over the same duration.
    """
    pairs = list(joined(step))
    if len(pairs) < FEWEST_COMPLETIONS:
        return
    given_up = {sample.trace_id for sample in step.samples if not sample.status}
    by_probe = sum(
        trace.end_ns - trace.intended_ns
        for trace in step.traces
        if trace.intended_ns and trace.trace_id not in given_up
    )
    by_client = sum(
        (min(sample.completed_ns, trace.end_ns) if trace else sample.completed_ns)
        - sample.intended_ns
        for sample, trace in pairs
    )
    if abs(by_probe - by_client) > LITTLE_RATIO * by_client:
        yield (
            f"Little's law fails: the probe saw {by_probe / 1e9 / step.duration_s:.3g} requests"
            f" in the system, the client {by_client / 1e9 / step.duration_s:.3g}"
        )


def _remainder(step: Step) -> Iterator[str]:
    """The time that no part explains, of either sign, against all of it."""
    pairs = list(joined(step))
    unexplained = sum(abs(remainder_ns(*pair)) for pair in pairs)
    total = sum(sample.completed_ns - sample.intended_ns for sample, _ in pairs)
    if unexplained > REMAINDER_RATIO * total:
        yield f"{unexplained / total:.1%} of the response time is explained by no part of it"


def _utilization(step: Step, slots: int) -> Iterator[str]:
    """U = X S / m: synchronous workers cannot be busy for longer than there are slots."""
    begin_ns, end_ns = step.start_ns, step.start_ns + round(step.duration_s * 1e9)
    busy_ns = sum(
        max(0, min(trace.end_ns, end_ns) - max(trace.start_ns, begin_ns)) for trace in step.traces
    )
    utilization = busy_ns / max(1, end_ns - begin_ns) / slots
    if utilization > UTILIZATION_RATIO:
        yield f"{slots} worker slots cannot be busy {utilization:.0%} of the time"


def _lost(step: Step) -> Iterator[str]:
    if _lost_ratio(step) > LOST_RATIO:
        yield f"the probe lost {_lost_ratio(step):.1%} of its records"


def _generator(recording: Recording) -> Iterator[str]:
    plateau = recording.step("plateau")
    if plateau is None:
        return
    busy_ratio = generator_cpu_ratio(recording)
    if busy_ratio > CPU_RATIO:
        yield f"the generator used {busy_ratio:.0%} of a core at the plateau: it may be the limit"
    if plateau.generator is not None and plateau.generator.exhausted:
        yield plateau.invalid


def _late_steps(recording: Recording, purposes: tuple[str, ...]) -> Iterator[str]:
    for step in recording.steps:
        if step.purpose in purposes and step.arrivals is not None and step.samples:
            fault = step.invalid if step.generator is not None else _late(step)
            if fault:
                yield fault


def _late(step: Step) -> str:
    """For a recording whose generator did not say how it did."""
    p99_s = quantile([sample.response_time_s for sample in step.samples], 0.99)
    lag_s = _lag_p99_s(step)
    rate_rps = len(step.samples) / step.duration_s
    return late_text(lag_s, p99_s, rate_rps) if is_late(lag_s, p99_s) else ""


def _few(step: Step) -> Iterator[str]:
    count = len(answered(step))
    if count < FEWEST_COMPLETIONS:
        yield f"{count} requests are too few to check Little's law ({FEWEST_COMPLETIONS})"


def _unseen(step: Step) -> Iterator[str]:
    pairs = list(joined(step))
    unseen = sum(trace is None for _, trace in pairs)
    if unseen > UNSEEN_RATIO * len(pairs):
        yield f"the probe did not see {unseen} of {len(pairs)} requests"


def _failed(step: Step) -> Iterator[str]:
    failed = sum(not sample.is_ok for sample in step.samples)
    if failed:
        yield f"{failed} of {len(step.samples)} requests failed at the pinned load"


def _strangers(step: Step) -> Iterator[str]:
    names = {resource.resource: resource for resource in step.resources}
    machine = names.pop("machine", None)
    if machine is None or not machine.capacity_s:
        return
    strangers_s = machine.cpu_s - sum(resource.cpu_s for resource in names.values())
    if strangers_s > CONTAMINATED_RATIO * machine.capacity_s:
        yield f"other programs used {strangers_s / machine.capacity_s:.0%} of the machine's CPU"


def _cpu_s(step: Step, name: str) -> float:
    return sum(resource.cpu_s for resource in step.resources if resource.resource == name)


def _lag_p99_s(step: Step) -> float:
    if step.generator is not None:
        return step.generator.lag_p99_s
    return quantile([sample.client_lag_s for sample in step.samples], 0.99)


def _lost_ratio(step: Step) -> float:
    seen = len(step.holds) + sum(1 + len(trace.spans) for trace in step.traces)
    return step.lost_records / (seen + step.lost_records) if step.lost_records else 0.0
