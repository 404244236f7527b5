"""The published JSON: its shape is promised by `report.schema.json` beside this file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pinchpoint.model.objective import ObjectiveResult
from pinchpoint.report.codec import codec
from pinchpoint.report.redaction import redacted
from pinchpoint.report.source import relative_file
from pinchpoint.report.story import OUTSIDE_VIEW, is_void

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinchpoint.model.finding import Finding
    from pinchpoint.model.report import Quality, Report
    from pinchpoint.model.trial import Trial

SCHEMA_VERSION = 1
"""Grows when a key disappears or changes its meaning; new keys alone do not raise it."""


def document(report: Report) -> Mapping[str, Any]:
    """What `--json` writes. Figures that are not known, or not bounded, are null."""
    report = redacted(report)
    tree = {
        "schema_version": SCHEMA_VERSION,
        "run_id": report.run_id,
        "title": report.title,
        "view": OUTSIDE_VIEW if report.is_outside else "inside",
        "verdict": _verdict(report),
        "findings": [_finding(finding, report) for finding in report.findings],
        "trials": [_trial(trial) for trial in report.trials],
        "ruled_out": _plain(report.ruled_out),
        "assumptions": list(report.summary),
        "not_exercised": _plain(report.skipped),
        "quality": _quality(report.quality),
        "environment": dict(report.environment),
        "elapsed_s": dict(report.elapsed_s),
        "budgets": _plain(report.budgets),
        "wall_points": _plain(report.wall_points),
    }
    return {name: _finite(value) for name, value in tree.items()}


def _verdict(report: Report) -> dict[str, Any]:
    capacity = report.capacity
    return {
        "capacity_rps": None if is_void(report) else capacity.rate_rps,
        "low": None if is_void(report) else capacity.low_rps,
        "high": None if is_void(report) else capacity.high_rps,
        "wall": capacity.wall,
        "next_wall": capacity.next_wall,
        "state": capacity.state.value,
        "sustained_rps": capacity.sustained_rps,
        "slo_rps": capacity.objective.rate_rps if capacity.objective else 0.0,
        "objective": codec(ObjectiveResult).encode(capacity.objective)
        if capacity.objective
        else None,
    }


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    location = finding.location
    return {
        "code": finding.code,
        "status": finding.status.value,
        "title": finding.title,
        "endpoint": finding.endpoint,
        "file": relative_file(location.file, report) if location else None,
        "line": location.line if location else None,
        "function": location.function if location else None,
        "share_ratio": finding.share_ratio,
        "mix_share_ratio": finding.mix_share_ratio,
        "evidence": _plain(finding.evidence),
        "victims": _plain(finding.victims),
        "advice": finding.advice,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    effect = trial.effects[0] if trial.effects else None
    return {
        "fix": trial.change.fix,
        "finding": trial.change.finding,
        "advice": trial.change.advice,
        "verdict": trial.verdict.value,
        "ratio": effect.ratio if effect else None,
        "low": effect.low_ratio if effect else None,
        "high": effect.high_ratio if effect else None,
        "pairs": effect.pairs if effect else 0,
        "same_answers": trial.same_answers,
        "on_clone": trial.on_clone,
        "note": trial.note,
    }


def _quality(quality: Quality) -> dict[str, Any]:
    null = quality.null_effect
    return {
        "aa_ratio": null.ratio if null else None,
        "aa_low": null.low_ratio if null else None,
        "aa_high": null.high_ratio if null else None,
        "probe_overhead_ratio": quality.probe_overhead_ratio,
        "generator_cpu_ratio": quality.generator_cpu_ratio,
        "lag_p99_s": quality.lag_p99_s,
        "lost_ratio": quality.lost_ratio,
        "warnings": list(quality.warnings),
        "violations": list(quality.violations),
        "stopped": quality.stopped,
    }


def _plain(nouns: tuple[Any, ...]) -> list[Any]:
    return [codec(_kind(noun)).encode(noun) for noun in nouns]


def _kind(noun: Any) -> Any:
    return type(noun)


def _finite(value: Any) -> Any:
    """JSON has no infinity: an interval without an end, and what is not a number, are null."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
