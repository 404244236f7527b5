"""Which changes are worth an experiment."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError
from pinchpoint.model.finding import Status
from pinchpoint.model.trial import Change
from pinchpoint.plugins import load_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

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


def propose(findings: Iterable[Finding]) -> tuple[Change, ...]:
    """The changes that answer findings, in the order in which they are worth an experiment.

    The finding with the largest share of the mix comes first; second choices follow after
    the first of every finding. What was ruled out is not tried.
    """
    open_findings = [finding for finding in findings if finding.status is not Status.RULED_OUT]
    open_findings.sort(key=lambda finding: finding.mix_share_ratio, reverse=True)
    fixes = load_fixes()
    rounds = zip_longest(*(_changes(finding, fixes) for finding in open_findings))
    changes = (change for changes in rounds for change in changes if change)
    unique: dict[tuple[str, frozenset[tuple[str, str]]], Change] = {}
    for change in changes:
        unique.setdefault((change.fix, frozenset(change.parameters.items())), change)
    return tuple(unique.values())


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
