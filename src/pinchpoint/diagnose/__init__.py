"""Name the bottlenecks, each with its evidence and with what a fix could win."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint.diagnose.case import cases
from pinchpoint.diagnose.excluded import ruled_out
from pinchpoint.model.finding import Evidence, Status
from pinchpoint.plugins import load_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import ModuleType

    from pinchpoint.model.budget import BlameEntry, Budget
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording

__all__ = ["cases", "diagnose", "load_detectors", "ruled_out"]


def load_detectors() -> Mapping[str, ModuleType]:
    """All detectors by name; each has a CODE and `detect(case) -> Iterator[Finding]`."""
    return load_plugins("pinchpoint.diagnose.detectors", "CODE", "detect")


def diagnose(
    recording: Recording, budgets: Sequence[Budget], blame: Sequence[BlameEntry] = ()
) -> tuple[Finding, ...]:
    """Put every endpoint's case to every detector.

    Args:
        recording: With a step that the probe recorded; the walk alone is enough for patterns
            whose cost shows in a single request.
        budgets: Of the recording.
        blame: Of the recording; without it, waiting is nobody's fault.

    Returns:
        What costs the whole mix most comes first. One cause is one finding, at the endpoint
        that it costs most; what another finding explains is left out.
    """
    detectors = load_detectors().values()
    found = [
        finding
        for case in cases(recording, budgets, blame)
        for detector in detectors
        for finding in detector.detect(case)
    ]
    explained = {
        (code, finding.parameters.get("resource", ""))
        for detector in detectors
        for code in getattr(detector, "EXPLAINS", ())
        for finding in found
        if finding.code == detector.CODE and finding.status is not Status.SUSPECTED
    }
    kept = [
        finding
        for finding in found
        if (finding.code, finding.parameters.get("resource", "")) not in explained
    ]
    return tuple(sorted(_merged(kept), key=_rank))


def _rank(finding: Finding) -> tuple[bool, float, float]:
    is_suspected = finding.status is Status.SUSPECTED
    return is_suspected, -finding.mix_share_ratio, -finding.share_ratio


def _merged(findings: Iterable[Finding]) -> Iterable[Finding]:
    """One finding for each cause: a shared function may be slow for many endpoints."""
    merged: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(findings, key=_rank):
        cause = _cause(finding)
        merged[cause] = _with(merged[cause], finding) if cause in merged else finding
    return merged.values()


def _cause(finding: Finding) -> tuple[object, ...]:
    parameters = finding.parameters
    if "table" in parameters:
        return finding.code, parameters["table"], parameters.get("columns")
    if finding.location is None:
        return finding.code, finding.endpoint, *sorted(parameters.items())
    return finding.code, finding.location, parameters.get("resource")


def _with(first: Finding, other: Finding) -> Finding:
    also = Evidence(
        statement=f"also {other.endpoint}, as a share of its time",
        value=other.share_ratio,
        unit="ratio",
    )
    return replace(
        first,
        evidence=(*first.evidence, also),
        mix_share_ratio=min(1.0, first.mix_share_ratio + other.mix_share_ratio),
    )
