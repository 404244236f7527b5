"""What a run has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pinchpoint.model.budget import BlameEntry, Budget
from pinchpoint.model.capacity import Capacity
from pinchpoint.model.finding import Finding
from pinchpoint.model.recording import Plan, ProbeState
from pinchpoint.model.trial import Effect, Trial
from pinchpoint.model.workload import SkippedRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """A usual suspect that is not the problem, and the number that says so."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WallPoint:
    """One load on the way to the wall, for the picture.

    Attributes:
        rate_rps: Offered (open loop).
        throughput_rps: Completed.
        p50_s: Median response time.
        p99_s: 99th percentile.
        parts_s: Mean time by category of the whole mix.
    """

    rate_rps: float
    throughput_rps: float
    p50_s: float
    p99_s: float
    parts_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How far the figures can be trusted.

    Attributes:
        null_effect: The unchanged application against itself (A/A); None if not measured.
        probe_overhead_ratio: 1 - throughput recording / dormant; None if not measured.
        generator_cpu_ratio: Busy part of one core, at the plateau.
        lag_p99_s: How late the generator was in the open loop.
        lost_ratio: Records of the probe that were lost.
        warnings: One sentence each.
        violations: Laws that the recording breaks; any makes the run void.
        stopped: Why the load was stopped before its end: the report is partial; empty if it was
            not.
    """

    null_effect: Effect | None = None
    probe_overhead_ratio: float | None = None
    generator_cpu_ratio: float = 0.0
    lag_p99_s: float = 0.0
    lost_ratio: float = 0.0
    warnings: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    stopped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run, analysed.

    Attributes:
        run_id: Name of its folder.
        title: `shop.main:app (FastAPI, uvicorn x2, PostgreSQL)`.
        summary: What was offered and measured, one line each.
        elapsed_s: From the start of the run to each milestone: `up`, `first_finding`,
            `verdict`, `report`.
        is_outside: No probe was inside: capacity and response times, no causes.
    """

    run_id: str
    title: str
    capacity: Capacity
    budgets: tuple[Budget, ...] = ()
    findings: tuple[Finding, ...] = ()
    trials: tuple[Trial, ...] = ()
    blame: tuple[BlameEntry, ...] = ()
    wall_points: tuple[WallPoint, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    skipped: tuple[SkippedRoute, ...] = ()
    plans: tuple[Plan, ...] = ()
    quality: Quality = field(default_factory=Quality)
    probe: ProbeState = field(default_factory=ProbeState)
    summary: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    elapsed_s: Mapping[str, float] = field(default_factory=dict)
    command: str = ""
    is_outside: bool = False
