"""One run as far as it has come: whatever ends it, a report can be made of it."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint import attribute, diagnose
from pinchpoint.model.app import App, Deployment
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.finding import Status
from pinchpoint.model.recording import Plan, ProbeState, Recording, Step
from pinchpoint.model.report import Quality, Report
from pinchpoint.model.trial import Effect, Trial, Verdict
from pinchpoint.model.workload import SkippedRoute, Workload
from pinchpoint.report.story import OUTSIDE_VIEW, answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinchpoint.model.finding import Finding

NOT_MEASURED = Capacity(
    rate_rps=0.0, low_rps=0.0, high_rps=0.0, in_flight=0, state=CapacityState.FAILED
)
"""The capacity of a run that ended before it was found."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What is known so far; the stages of the pipeline fill it in.

    Attributes:
        folder: Where the report and the recording are written.
        command: What the user typed, for the report.
        started_s: time.monotonic() at the start.
        is_outside: No probe is inside.
    """

    folder: Path
    command: str
    app: App
    deployment: Deployment
    started_s: float
    workload: Workload = field(default_factory=lambda: Workload(templates=()))
    steps: list[Step] = field(default_factory=list)
    plans: tuple[Plan, ...] = ()
    skipped: tuple[SkippedRoute, ...] = ()
    probe: ProbeState = field(default_factory=ProbeState)
    capacity: Capacity = NOT_MEASURED
    trials: list[Trial] = field(default_factory=list)
    null_effect: Effect | None = None
    overhead_ratio: float | None = None
    warnings: list[str] = field(default_factory=list)
    stopped: str = ""
    is_outside: bool = False
    elapsed_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def resume(
        cls,
        folder: Path,
        recording: Recording,
        report: Report,
        *,
        command: str,
        started_s: float,
    ) -> Run:
        """A run that goes on from what an earlier one measured."""
        return cls(
            folder=folder,
            command=command,
            started_s=started_s,
            app=recording.app,
            deployment=recording.deployment,
            workload=recording.workload,
            steps=list(recording.steps),
            plans=recording.plans,
            skipped=recording.skipped,
            probe=recording.probe,
            capacity=report.capacity,
            trials=list(report.trials),
            null_effect=report.quality.null_effect,
            overhead_ratio=report.quality.probe_overhead_ratio,
        )

    def reached(self, milestone: str) -> None:
        """Note when a milestone was reached, the first time."""
        self.elapsed_s.setdefault(milestone, round(time.monotonic() - self.started_s, 3))

    def recording(self) -> Recording:
        """What has been measured, as one frozen value."""
        return Recording(
            app=self.app,
            deployment=self.deployment,
            workload=self.workload,
            steps=tuple(self.steps),
            plans=self.plans,
            skipped=self.skipped,
            probe=self.probe,
            environment=environment(self.app, self.probe),
            is_outside=self.is_outside,
        )

    def report(self) -> Report:
        """Analyse what has been measured: a pure function of the recording and the trials."""
        recording = self.recording()
        return analyse(
            recording,
            run_id=self.folder.name,
            capacity=self.capacity,
            trials=self.trials,
            quality=Quality(
                null_effect=self.null_effect,
                probe_overhead_ratio=self.overhead_ratio,
                warnings=tuple(self.warnings),
                stopped=self.stopped,
            ),
            elapsed_s=self.elapsed_s,
            command=self.command,
        )


def analyse(  # noqa: PLR0913  # what a recording does not hold itself
    recording: Recording,
    *,
    run_id: str,
    capacity: Capacity,
    trials: Sequence[Trial] = (),
    quality: Quality,
    elapsed_s: Mapping[str, float],
    command: str,
) -> Report:
    """Turn a recording into a report; new rules can be applied to old recordings."""
    budgets = attribute.attribute(recording)
    blame = attribute.blame(recording)
    findings = diagnose.diagnose(recording, budgets, blame)
    last = recording.steps[-1] if recording.steps else None
    return Report(
        run_id=run_id,
        title=title(recording),
        capacity=attribute.find_wall(recording, budgets, capacity),
        budgets=budgets,
        findings=with_status(findings, trials),
        trials=tuple(trials),
        blame=blame,
        wall_points=attribute.wall_points(recording),
        ruled_out=diagnose.ruled_out(recording, budgets, findings),
        skipped=recording.skipped,
        plans=recording.plans,
        quality=replace(
            quality,
            generator_cpu_ratio=attribute.generator_cpu_ratio(recording),
            lag_p99_s=attribute.lag_p99_s(recording),
            lost_ratio=attribute.lost_ratio(recording),
            warnings=(*quality.warnings, *attribute.warnings(recording)),
            violations=attribute.violations(recording) if last else (),
        ),
        probe=recording.probe,
        summary=recording.workload.assumptions,
        environment=recording.environment,
        elapsed_s=dict(elapsed_s),
        command=command,
        is_outside=recording.is_outside,
    )


_STATUS = {
    Verdict.IMPROVED: Status.PROVEN,
    Verdict.EQUIVALENT: Status.SUSPECTED,
    Verdict.REGRESSED: Status.SUSPECTED,
    Verdict.INCONCLUSIVE: Status.INCONCLUSIVE,
}


def with_status(findings: Sequence[Finding], trials: Sequence[Trial]) -> tuple[Finding, ...]:
    """Findings whose fix was tried take the status that the trial gives them."""

    def status(finding: Finding) -> Status:
        tried = [trial.verdict for trial in trials if answers(trial, finding)]
        return next((_STATUS[verdict] for verdict in tried if verdict in _STATUS), finding.status)

    return tuple(replace(finding, status=status(finding)) for finding in findings)


def title(recording: Recording) -> str:
    """`shop.main:app (FastAPI 0.165, uvicorn x1)`; the label of a view from outside."""
    app, deployment = recording.app, recording.deployment
    if recording.is_outside:
        return f"{app.target} ({OUTSIDE_VIEW})"
    release = recording.probe.hooked.get(app.framework, "")
    server = f"{deployment.server} x{deployment.workers}"
    if deployment.threads > 1:
        server += f" with {deployment.threads} threads"
    return f"{app.target} ({f'{app.framework} {release}'.strip()}, {server})"


def environment(app: App, probe: ProbeState) -> dict[str, str]:
    """Where the figures come from; two runs are comparable only if these agree."""
    return {
        "pinchpoint": version("pinchpoint"),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count() or 1),
        "python": platform.python_version(),
        "directory": str(app.directory),
        **({"app_python": str(app.python)} if app.python != Path() else {}),
        **{f"library.{name}": release for name, release in sorted(probe.hooked.items())},
    }
