"""What a detector sees: one endpoint, measured from outside and from inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.model.budget import BlameEntry, Budget
from pinchpoint.model.finding import Victim
from pinchpoint.model.recording import Recording, Step
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import WAITING, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIX = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One endpoint at the attributed load.

    Attributes:
        endpoint: `GET /users/{id}`.
        budgets: Of all endpoints, the mix included, by name.
        step: The load that the budgets are of.
        traces: Of this endpoint; at least one.
        samples: Of this endpoint.
        recording: The whole of it.
        blame: All waiting that could be charged, of all endpoints.
    """

    endpoint: str
    budgets: Mapping[str, Budget]
    step: Step
    traces: Sequence[Trace]
    samples: Sequence[Sample]
    recording: Recording
    blame: Sequence[BlameEntry] = ()

    @property
    def budget(self) -> Budget:
        """Of this endpoint."""
        return self.budgets[self.endpoint]

    @property
    def mix(self) -> Budget:
        """Of all endpoints together."""
        return self.budgets[MIX]

    @property
    def service_time_s(self) -> float:
        """Mean time of a request in the application, less its waiting for others."""
        return sum(time_s for name, time_s in self.budget.parts_s.items() if name not in WAITING)

    def share_ratio(self, saved_s: float) -> float:
        """Amdahl's bound: the part of the service time that a fix can save, 0 to 1.

        Of the service time, as waiting for workers and connections shrinks with it.

        Args:
            saved_s: Mean over the endpoint's requests.
        """
        return min(1.0, saved_s / self.service_time_s) if self.service_time_s else 0.0

    def mix_share_ratio(self, saved_s: float = 0.0, charged: Iterable[BlameEntry] = ()) -> float:
        """The same of the whole mix's response time, with the waiting that it causes, 0 to 1.

        Args:
            saved_s: Mean over the endpoint's requests.
            charged: Waiting that would go too.
        """
        total_s = total_time_s(self.mix)
        won_s = saved_s * self.budget.requests + wait_s(charged)
        return min(1.0, won_s / total_s) if total_s else 0.0

    def charged(self, *, site: str = "", resource: str = "") -> tuple[BlameEntry, ...]:
        """The waiting that this endpoint causes, at one line or with one resource."""
        return tuple(
            entry
            for entry in self.blame
            if entry.holder == self.endpoint
            and site in {"", entry.site}
            and resource in {"", entry.resource}
        )

    def victims(self, charged: Iterable[BlameEntry]) -> tuple[Victim, ...]:
        """The other endpoints that wait, the one that waits most first."""
        waits_s: dict[str, float] = defaultdict(float)
        for entry in charged:
            if entry.victim != self.endpoint:
                waits_s[entry.victim] += entry.wait_s
        ranked = sorted(waits_s.items(), key=lambda item: -item[1])
        return tuple(Victim(endpoint=endpoint, wait_s=time_s) for endpoint, time_s in ranked)


def cases(
    recording: Recording, budgets: Sequence[Budget], blame: Sequence[BlameEntry] = ()
) -> Iterator[Case]:
    """One case for each endpoint that the probe saw at the load that the budgets are of."""
    step = attributed_step(recording)
    by_name = {budget.endpoint: budget for budget in budgets}
    if step is None or MIX not in by_name:
        return
    samples: dict[str, list[Sample]] = defaultdict(list)
    for sample in step.samples:
        if sample.status:
            samples[sample.endpoint].append(sample)
    traces = {trace.trace_id: trace for trace in step.traces}
    for endpoint, own in samples.items():
        seen = [traces[sample.trace_id] for sample in own if sample.trace_id in traces]
        if seen and endpoint in by_name:
            yield Case(
                endpoint=endpoint,
                budgets=by_name,
                step=step,
                traces=seen,
                samples=own,
                recording=recording,
                blame=blame,
            )


def attributed_step(recording: Recording) -> Step | None:
    """The `pin` step; without one, the last step in which the probe recorded."""
    pin = recording.step("pin")
    if pin is not None:
        return pin
    return next((step for step in reversed(recording.steps) if step.traces), None)


def total_time_s(budget: Budget) -> float:
    """Response time of all its requests."""
    return budget.response_time_s * budget.requests


def wait_s(entries: Iterable[BlameEntry]) -> float:
    """Waiting in all."""
    return sum(entry.wait_s for entry in entries)


def main_holder(entries: Iterable[BlameEntry]) -> str:
    """The endpoint that is waited for most; empty if nobody waits."""
    waits_s: dict[str, float] = defaultdict(float)
    for entry in entries:
        waits_s[entry.holder] += entry.wait_s
    return max(waits_s, key=lambda holder: waits_s[holder], default="")
