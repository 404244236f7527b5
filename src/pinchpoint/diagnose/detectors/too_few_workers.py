"""Requests queue for a synchronous worker while the machine has CPU time left.

Seen as: half or more of the mix's response time passes before a worker begins, 30 % or more of
    the machine's CPU is idle, and requests take no longer inside than at the lightest load.
Costs: the queue, which grows without bound as the load nears workers / service time.
Not seen: event loops, which have no such limit; machines without idle CPU; requests that wait
    for a pool's connections meanwhile, as more workers would only wait there too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pinchpoint.diagnose.alone import least_ns, typical_ns
from pinchpoint.diagnose.case import main_holder
from pinchpoint.model.app import has_slots
from pinchpoint.model.finding import Evidence, Finding
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.recording import Step
    from pinchpoint.model.span import Trace

CODE = "SV001"
NAME = "too few workers"
ADVICE = "Start more workers, or threads if the requests mostly wait."

QUEUE_RATIO = 0.5
IDLE_RATIO = 0.3
MOST_GROWTH_RATIO = 1.3
"""Of the time inside, over that at the lightest load: above, what is inside is the bottleneck."""
MOST_POOL_RATIO = 0.1


def detect(case: Case) -> Iterator[Finding]:
    """Find a queue that idle CPU could serve; reported at the endpoint that occupies most."""
    is_sync = has_slots(case.recording.app, case.recording.deployment)
    if not is_sync or case.endpoint != _main_occupant(case):
        return
    queue_ratio = case.mix.share_ratio(Category.QUEUE)
    idle_ratio = _idle_ratio(case.step)
    if (
        queue_ratio >= QUEUE_RATIO
        and idle_ratio >= IDLE_RATIO
        and case.mix.share_ratio(Category.POOL_WAIT) < MOST_POOL_RATIO
        and _growth_ratio(case) <= MOST_GROWTH_RATIO
    ):
        yield _finding(case, queue_ratio, idle_ratio)


def _main_occupant(case: Case) -> str:
    return main_holder(entry for entry in case.blame if entry.resource == "workers")


def _idle_ratio(step: Step) -> float:
    """The machine's idle part; 0 if it was not measured, so that nothing is claimed."""
    machine = [one for one in step.resources if one.resource == "machine" and one.capacity_s]
    return 1 - machine[0].cpu_s / machine[0].capacity_s if machine else 0.0


def _growth_ratio(case: Case) -> float:
    """Time inside, over that of the same requests while little else ran."""
    counts = Counter(sample.endpoint for sample in case.step.samples)
    grown_ns = sum(
        number * (typical_ns(case.step, name, _inside_ns) or 0) for name, number in counts.items()
    )
    alone_ns = sum(
        number * least_ns(case.recording, name, _inside_ns)
        for name, number in counts.items()
        if typical_ns(case.step, name, _inside_ns)
    )
    return grown_ns / alone_ns if alone_ns else 1.0


def _inside_ns(trace: Trace) -> float:
    return trace.end_ns - trace.start_ns


def _finding(case: Case, queue_ratio: float, idle_ratio: float) -> Finding:
    deployment = case.recording.deployment
    charged = case.charged(resource="workers")
    return Finding(
        code=CODE,
        title=f"Requests queue for {deployment.slots} busy worker slots",
        endpoint=case.endpoint,
        share_ratio=case.budget.share_ratio(Category.QUEUE),
        mix_share_ratio=queue_ratio,
        evidence=(
            Evidence(
                statement="waiting for a worker, of the mix's response time",
                value=queue_ratio,
                unit="ratio",
            ),
            Evidence(statement="of the CPU is idle meanwhile", value=idle_ratio, unit="ratio"),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters={"workers": str(deployment.workers), "threads": str(deployment.threads)},
    )
