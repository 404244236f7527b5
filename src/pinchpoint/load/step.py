"""Put the results of the engine's processes together: what the generator did in one step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pinchpoint.model.recording import GeneratorState, JourneyCount, ResourceSample
from pinchpoint.model.target import Batch
from pinchpoint.stats.lateness import CPU_RATIO, is_late, late_text
from pinchpoint.stats.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.load.wire import Header
    from pinchpoint.model.recording import Step


def duration_s(results: Sequence[Header]) -> float:
    """For how long load was offered: by the process that offered it longest."""
    return max(float(result["duration_s"]) for result in results)


def resource_of(results: Sequence[Header]) -> ResourceSample:
    """What all processes used, against one core for each."""
    return ResourceSample(
        resource="generator",
        cpu_s=sum(result["cpu_s"] for result in results),
        wait_s=sum(result["wait_s"] for result in results),
        capacity_s=sum(result["duration_s"] for result in results),
    )


def state_of(results: Sequence[Header]) -> GeneratorState:
    """How well they kept the schedule: the figures of the latest process."""
    return GeneratorState(
        lag_p50_s=max(result["lag_p50_s"] for result in results),
        lag_p99_s=max(result["lag_p99_s"] for result in results),
        lag_max_s=max(result["lag_max_s"] for result in results),
        involuntary_switches=sum(result["involuntary_switches"] for result in results),
        busiest_cpu_ratio=max(result["cpu_s"] / result["duration_s"] for result in results),
        exhausted=sum(result["exhausted"] for result in results),
    )


def journeys_of(results: Sequence[Header]) -> tuple[JourneyCount, ...]:
    """The virtual clients of all processes, by journey."""
    return tuple(_added(parts) for parts in zip(*(one["journeys"] for one in results), strict=True))


def batch_of(batches: Sequence[Header], app_cpu_s: float) -> Batch:
    """One batch of all processes, which end theirs at nearly the same time."""
    return Batch(
        duration_s=sum(batch["duration_s"] for batch in batches) / len(batches),
        completions=sum(batch["completions"] for batch in batches),
        errors=sum(batch["errors"] for batch in batches),
        app_cpu_s=app_cpu_s,
        generator_cpu_s=max(batch["generator_cpu_s"] for batch in batches),
    )


def fault_of(step: Step, state: GeneratorState) -> str:
    """Why the figures of a step are not those of the application; empty if they are."""
    if state.exhausted:
        return (
            f"{state.exhausted} of {len(step.samples)} requests were never sent:"
            " the machine had no open file or port left for them"
        )
    if step.arrivals is None:
        is_busy = state.busiest_cpu_ratio > CPU_RATIO
        return f"the generator used {state.busiest_cpu_ratio:.0%} of a core" if is_busy else ""
    p99_s = quantile([sample.response_time_s for sample in step.samples] or [0.0], 0.99)
    is_void = is_late(state.lag_p99_s, p99_s)
    return late_text(state.lag_p99_s, p99_s, step.arrivals.rate_rps) if is_void else ""


def _added(parts: Sequence[Header]) -> JourneyCount:
    broken: Counter[str] = Counter()
    for part in parts:
        broken.update(part["broken"])
    return JourneyCount(
        name=parts[0]["name"],
        begun=sum(part["begun"] for part in parts),
        completed=sum(part["completed"] for part in parts),
        cut=sum(part["cut"] for part in parts),
        broken=dict(broken),
    )
