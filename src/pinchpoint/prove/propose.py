"""Which changes are worth an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.model.finding import Status
from pinchpoint.model.trial import Change
from pinchpoint.plugins import load_plugins
from pinchpoint.prove.predict import demand_share, predict_gain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from pinchpoint.model.budget import Budget
    from pinchpoint.model.finding import Finding

WAYS = ("patch", "redeploy", "migrate")
"""How the changed arm gets a fix; see the docstring of `pinchpoint.prove.fixes`."""


def load_fixes() -> Mapping[str, ModuleType]:
    """Every fix by its name.

    Raises:
        TypeError: A fix cannot be applied in exactly one of the WAYS.
    """
    fixes = load_plugins("pinchpoint.prove.fixes", "ANSWERS", "OPTION", "candidates", "read")
    for name, module in fixes.items():
        ways = [way for way in WAYS if hasattr(module, way)]
        if len(ways) != 1:
            raise TypeError(f"fix {name} defines {len(ways)} of {', '.join(WAYS)}, not one")
    return fixes


def propose(
    findings: Iterable[Finding], budgets: Iterable[Budget], limits_rps: Mapping[str, float]
) -> tuple[Change, ...]:
    """The changes that answer findings, the one with the largest predicted gain first.

    Args:
        findings: What was ruled out is not tried.
        budgets: Of the same recording.
        limits_rps: The throughput that each kind of resource allows; see `predict_gain`.
    """
    fixes = load_fixes()
    known_budgets = tuple(budgets)
    worths: dict[tuple[str, frozenset[tuple[str, str]]], tuple[float, Change]] = {}
    for finding in findings:
        if finding.status is Status.RULED_OUT:
            continue
        removed_ratio = demand_share(finding, known_budgets)
        for change in _changes(finding, fixes):
            relieves = getattr(fixes[change.fix], "relieves", None)
            gain = (
                predict_gain(limits_rps, relief=relieves(finding, change.parameters))
                if relieves
                else predict_gain(limits_rps, removed_ratio=removed_ratio)
            )
            key = (change.fix, frozenset(change.parameters.items()))
            worths.setdefault(key, (gain, change))
    ranked = sorted(worths.values(), key=lambda worth: -worth[0])
    return tuple(change for _, change in ranked)


def parse_fix(text: str) -> Change:
    """Read a free-form experiment, such as `workers=4`.

    Raises:
        UsageError: No fix reads it; the message lists those that can be asked for.
    """
    option, _, value = text.partition("=")
    fixes = {
        module.OPTION.partition("=")[0]: (name, module) for name, module in load_fixes().items()
    }
    if option not in fixes:
        known = ", ".join(sorted(module.OPTION for _, module in fixes.values()))
        raise UsageError(f"unknown fix '{text}'; known: {known}")
    name, module = fixes[option]
    try:
        advice, parameters = module.read(value)
    except ValueError as error:
        raise UsageError(f"cannot read fix '{text}': {error}") from error
    return Change(fix=name, advice=advice, parameters=parameters)


def _changes(finding: Finding, fixes: Mapping[str, ModuleType]) -> list[Change]:
    return [
        Change(fix=name, advice=advice, parameters=parameters, finding=finding.code)
        for name, module in fixes.items()
        if finding.code in module.ANSWERS
        for advice, parameters in module.candidates(finding)
    ]
