"""Two arms of an experiment: the unchanged application and a changed one, both kept warm."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from pinchpoint.model.app import Deployment
from pinchpoint.pipeline.stand import stand
from pinchpoint.prove.arms import Block

if TYPE_CHECKING:
    from collections.abc import Generator

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.app import App
    from pinchpoint.model.recording import Step
    from pinchpoint.model.target import Engine
    from pinchpoint.model.trial import Change
    from pinchpoint.model.workload import Workload
    from pinchpoint.pipeline.stand import Stand
    from pinchpoint.settings import Settings

WARM_UP_S = 2.0
ASKED_OFTEN = 20
"""Questions for each worker: whichever is idle accepts, so some answer several times."""
FOREIGN_CPU_RATIO = 0.15
"""A block is contaminated where strangers used more of the machine than this; the reference's
5 % (measurement.md §2.4) would repeat nearly every block on a shared machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """How one arm is started.

    Attributes:
        deployment: Server, workers, threads.
        databases: The clone to open instead of each database.
        change: The fix to apply inside the process: `file` and `parameters`.
    """

    deployment: Deployment
    databases: Mapping[str, str] | None = None
    change: Mapping[str, Any] | None = None


class StandArms:
    """Measures blocks of one arm while the other is suspended."""

    def __init__(self, stands: Mapping[str, Stand], workload: Workload, in_flight: int) -> None:
        self._stands = stands
        self._in_flight = in_flight
        self._engines: dict[str, Engine] = {
            name: one.engine(workload) for name, one in stands.items()
        }

    def close(self) -> None:
        """End the engines."""
        for engine in self._engines.values():
            engine.close()

    def answers(self, arm: Literal["baseline", "changed"]) -> Mapping[str, str]:
        """A digest of the answer to each request of the workload."""
        with self._only(arm):
            return self._engines[arm].answers()

    def warm_up(self) -> None:
        """Let both arms reach their normal speed; the blocks are thrown away."""
        for arm in ("baseline", "changed"):
            self._step(arm, WARM_UP_S)

    def measure(self, arm: Literal["baseline", "changed"], duration_s: float) -> Block:
        """One closed-loop block of the whole mix."""
        step = self._step(arm, duration_s)
        return block(step)

    def _step(self, arm: str, duration_s: float) -> Step:
        engine = self._engines[arm]
        with self._only(arm):
            for _ in engine.closed(self._in_flight, duration_s, "block"):
                pass
        return engine.steps.pop()

    @contextmanager
    def _only(self, arm: str) -> Generator[None]:
        others = [one.child for name, one in self._stands.items() if name != arm]
        for child in others:
            child.suspend()
        try:
            yield
        finally:
            for child in others:
                child.resume()


def block(step: Step) -> Block:
    """Summarise a closed-loop step for an experiment."""
    used_s = {resource.resource: resource.cpu_s for resource in step.resources}
    foreign_s = used_s.get("machine", 0.0) - used_s.get("run", 0.0)
    times_s: dict[str, list[float]] = defaultdict(list)
    for sample in step.samples:
        times_s[sample.endpoint].append(sample.response_time_s)
    end_ns = step.start_ns + int(step.duration_s * 1e9)
    done = sum(sample.completed_ns <= end_ns for sample in step.samples)
    answered = len(step.samples)
    return Block(
        rate_rps=done / step.duration_s,
        cpu_per_request_s=used_s.get("app", 0.0) / answered if answered else 0.0,
        error_ratio=sum(not sample.is_ok for sample in step.samples) / answered
        if answered
        else 1.0,
        mean_response_s={name: fmean(values) for name, values in times_s.items()},
        is_contaminated=foreign_s > FOREIGN_CPU_RATIO * step.duration_s * (os.cpu_count() or 1),
    )


@contextmanager
def two_arms(  # noqa: PLR0913  # what both arms share, and each of them
    guardian: Guardian,
    app: App,
    workload: Workload,
    settings: Settings,
    *,
    baseline: Arm,
    changed: Arm,
    in_flight: int,
) -> Generator[tuple[StandArms, Mapping[str, Stand]]]:
    """Start both arms and their engines for the length of an experiment."""
    with ExitStack() as stack:
        stands = {
            name: stack.enter_context(
                stand(
                    guardian,
                    app,
                    arm.deployment,
                    settings,
                    name=name,
                    databases=arm.databases,
                    change=arm.change,
                )
            )
            for name, arm in (("baseline", baseline), ("changed", changed))
        }
        arms = StandArms(stands, workload, in_flight)
        stack.callback(arms.close)
        arms.warm_up()
        yield arms, stands


def opened_databases(one: Stand) -> list[Mapping[str, str]]:
    """What each worker's databases say they are.

    Returns:
        One mapping a worker that answered, empty for one that has opened none; and an empty
        one for each worker that did not answer although it was asked often enough.
    """
    workers = one.running.deployment.workers
    seen: dict[int, Mapping[str, str]] = {}
    for _ in range(ASKED_OFTEN * workers):
        answer = one.running.ask("databases", {})
        seen[int(answer["pid"])] = answer.get("databases", {})
        if len(seen) >= workers:
            break
    return [*seen.values(), *({} for _ in range(workers - len(seen)))]


def arm_of(arm: Arm, fix: Any, change: Change) -> Arm:
    """The arm with a fix: another deployment, or a patch inside its processes."""
    if hasattr(fix, "redeploy"):
        return replace(arm, deployment=fix.redeploy(arm.deployment, change.parameters))
    if hasattr(fix, "patch"):
        parameters = dict(change.parameters)
        return replace(arm, change={"file": str(fix.__file__), "parameters": parameters})
    return arm
