"""Which step a question is put to, and client and probe side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.model.recording import Recording, Step
    from pinchpoint.model.sample import Sample
    from pinchpoint.model.span import Trace

OUTSIDE = frozenset({Category.CLIENT, Category.QUEUE, Category.RESPONSE, Category.UNATTRIBUTED})
"""What passes while the application does not work on the request."""


def attributed_step(recording: Recording) -> Step | None:
    """The `pin` step; without one, the last step in which the probe recorded."""
    pin = recording.step("pin")
    if pin is not None:
        return pin
    return next((step for step in reversed(recording.steps) if step.traces), None)


def lightest_step(recording: Recording) -> Step | None:
    """The recorded open-loop step with the lowest rate: the least waiting in its times."""
    steps = [step for step in recording.steps if step.arrivals is not None and step.traces]
    return min(steps, key=_rate_rps, default=None)


def answered(step: Step) -> Sequence[Sample]:
    """The requests that got an answer; the others have no response time."""
    return [sample for sample in step.samples if sample.status]


def joined(step: Step) -> Iterator[tuple[Sample, Trace | None]]:
    """Each answered request with what the probe saw of it, if it did."""
    traces = {trace.trace_id: trace for trace in step.traces}
    return ((sample, traces.get(sample.trace_id)) for sample in answered(step))


def _rate_rps(step: Step) -> float:
    return step.arrivals.rate_rps if step.arrivals else 0.0
