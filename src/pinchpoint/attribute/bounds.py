"""Operational bounds: the throughput that each resource allows (Denning & Buzen, 1978).

X <= m / D for every resource with m servers and a demand of D seconds per request
(reference: measurement.md §4.1). The demands for CPU come from the plateau, with the probe
dormant; the times for which a request holds something from the lightest load that was
recorded, where the least waiting is in them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.attribute.join import answered, attributed_step, joined, lightest_step
from pinchpoint.model.app import Interface, has_slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.model.app import Deployment
    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.span import Trace

PROGRAMS = ("app", "database", "generator")
LEAST_FREE_RATIO = 0.25
"""Strangers that take more than the rest come and go; the bound would be about them alone."""

_POOL = re.compile(r"pool (\d+)(?:\+(\d+))? of (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What one resource allows.

    Attributes:
        kind: `cpu`, `python`, `workers`, `pool` or `loop`.
        resource: A phrase that can stand after "the wall:".
        rate_rps: The throughput at which it is used up.
    """

    kind: str
    resource: str
    rate_rps: float


def bounds(recording: Recording) -> Sequence[Bound]:
    """The bounds of all resources that the recording knows the demand for."""
    light = lightest_step(recording) or attributed_step(recording)
    busy = recording.step("plateau") or attributed_step(recording)
    found: list[Bound] = []
    if busy is not None and answered(busy):
        found += _cpu(busy, recording.deployment)
    if light is not None and answered(light):
        found += _pools(light, recording.deployment)
        if has_slots(recording.app, recording.deployment):
            found += _workers(light, recording.deployment)
        if recording.app.interface is not Interface.WSGI:
            found += _event_loop(light, recording.deployment)
    return found


def _cpu(step: Step, deployment: Deployment) -> Iterator[Bound]:
    """The cores that strangers leave for the run, and one core for the Python of each process."""
    count = len(answered(step))
    used_s = {one.resource: one.cpu_s for one in step.resources}
    demands_s = {name: used_s[name] / count for name in PROGRAMS if used_s.get(name)}
    cores = max((one.capacity_s for one in step.resources), default=0.0) / step.duration_s
    if not demands_s or not cores:
        return
    foreign = max(0.0, used_s.get("machine", 0.0) - used_s.get("run", used_s.get("machine", 0.0)))
    free = max(LEAST_FREE_RATIO * cores, cores - foreign / step.duration_s)
    strangers = "" if free > 0.9 * cores else f", {free:.2g} of them free"
    parts = ", ".join(f"{name} {_ms(time_s)}" for name, time_s in demands_s.items())
    total_s = sum(demands_s.values())
    yield Bound(
        kind="cpu",
        resource=f"the CPU ({cores:.0f} cores{strangers}, {_ms(total_s)} per request: {parts})",
        rate_rps=free / total_s,
    )
    app_s = demands_s.get("app", 0.0)
    if app_s and deployment.workers < cores:
        yield Bound(
            kind="python",
            resource=f"Python ({_count(deployment.workers, 'process')} of the app with one"
            f" interpreter lock each, {_ms(app_s)} of CPU per request)",
            rate_rps=deployment.workers / app_s,
        )


def _workers(step: Step, deployment: Deployment) -> Iterator[Bound]:
    """A slot is taken from the call of the application until the answer is out."""
    held_ns = [
        sample.completed_ns - trace.start_ns for sample, trace in joined(step) if trace is not None
    ]
    if held_ns:
        held_s = sum(held_ns) / len(held_ns) / 1e9
        yield Bound(
            kind="workers",
            resource=f"the workers ({_count(deployment.slots, 'request')} at a time,"
            f" {_ms(held_s)} each)",
            rate_rps=deployment.slots / held_s,
        )


def _pools(step: Step, deployment: Deployment) -> Iterator[Bound]:
    """Every process has a pool of its own."""
    held_ns: dict[str, int] = defaultdict(int)
    for hold in step.holds:
        held_ns[hold.resource] += hold.end_ns - hold.start_ns
    for name, total_ns in held_ns.items():
        match = _POOL.fullmatch(name)
        if match and total_ns:
            size = int(match[1]) + int(match[2] or 0)
            held_s = total_ns / 1e9 / len(answered(step))
            yield Bound(
                kind="pool",
                resource=f"the connection pool ({_count(size, 'connection')} per process,"
                f" held for {_ms(held_s)} per request)",
                rate_rps=deployment.workers * size / held_s,
            )


def _event_loop(step: Step, deployment: Deployment) -> Iterator[Bound]:
    """Blocking calls alone: what else the loop does comes on top, so that the truth is lower."""
    blocked_s = sum(map(_blocked_s, step.traces)) / len(answered(step))
    if blocked_s:
        yield Bound(
            kind="loop",
            resource=f"the event loop (blocked for {_ms(blocked_s)} per request)",
            rate_rps=deployment.workers / blocked_s,
        )


def _blocked_s(trace: Trace) -> float:
    blocking = {span.span_id: span for span in trace.spans if span.is_blocking_loop}
    return sum(span.duration_s for span in blocking.values() if span.parent_id not in blocking)


def _ms(time_s: float) -> str:
    return f"{1e3 * time_s:.3g} ms"


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}es" if noun.endswith("s") else f"{number} {noun}s"
