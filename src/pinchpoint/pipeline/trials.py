"""Prove fixes: choose what to try, set up both arms, compare, take everything back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pinchpoint.errors import PinchpointError
from pinchpoint.model.trial import Trial, Verdict
from pinchpoint.pipeline.arms import Arm, arm_of, opened_databases, two_arms
from pinchpoint.prove.clone import Clones, confirm
from pinchpoint.prove.experiment import ExperimentRules, compare
from pinchpoint.prove.propose import load_fixes, parse_fix, propose
from pinchpoint.settings import Effort

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.trial import Change
    from pinchpoint.model.workload import Workload
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.pipeline.run import Run
    from pinchpoint.pipeline.stand import Stand
    from pinchpoint.settings import Settings

FEWEST_BLOCK_REQUESTS = 60
"""A block's rate from fewer completions is mostly counting noise (1 / sqrt(60) = 13 %)."""
SHORTEST_BLOCK_S = 1.0
LONGEST_BLOCK_S = 4.0
BUDGET_S = {Effort.QUICK: 45.0, Effort.NORMAL: 75.0, Effort.THOROUGH: 300.0}
MOST_PROOFS = 3
"""Of `check`: it stops at the first that improves, and never tries more than these."""


@dataclass(frozen=True, slots=True)
class Connections:
    """How the application reaches its databases; secret, and never written anywhere."""

    entries: tuple[Mapping[str, Any], ...] = field(repr=False, default=())

    @classmethod
    def of(cls, one: Stand, workload: Workload) -> Connections:
        """Ask the workers for the databases that they have opened."""
        visit = one.visitor()
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for template in workload.templates:
            visit(template.endpoint, template.paths[0])
            for entry in one.running.ask("connections", {}).get("connections", ()):
                found[str(entry["system"]), str(entry["database"])] = entry
        return cls(tuple(found.values()))


def prove_best(
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    connections: Connections,
) -> None:
    """Try fixes in the order of their worth until one improves the whole mix."""
    for change in propose(run.report().findings)[:MOST_PROOFS]:
        trial = _try(run, guardian, settings, progress, connections, change)
        if trial.verdict is Verdict.IMPROVED:
            return


def prove_each(  # noqa: PLR0913, PLR0917  # as above, and what was asked for
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    connections: Connections,
    fixes: Sequence[str],
) -> None:
    """Try the fixes of the named findings, or free-form ones; all findings if none is named."""
    findings = run.report().findings
    for change in _changes(findings, fixes):
        _try(run, guardian, settings, progress, connections, change)


def _changes(findings: Sequence[Finding], fixes: Sequence[str]) -> list[Change]:
    if not fixes:
        return list(propose(findings))
    changes: list[Change] = []
    for text in fixes:
        named = [finding for finding in findings if finding.code == text.upper()]
        changes += propose(named) if named else [parse_fix(text)]
    return changes


def _try(  # noqa: PLR0913, PLR0917  # as above
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    connections: Connections,
    change: Change,
) -> Trial:
    progress.stage("prove", f"{change.finding} {change.advice}")
    try:
        trial = _compare(run, guardian, settings, progress, connections, change)
    except PinchpointError as error:
        trial = Trial(change=change, verdict=Verdict.REFUSED, note=str(error))
    run.trials.append(trial)
    run.reached("trial")
    progress.done(_result(trial))
    return trial


def _compare(  # noqa: PLR0913, PLR0917  # as above
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    connections: Connections,
    change: Change,
) -> Trial:
    fix = load_fixes()[change.fix]
    unchanged = Arm(deployment=run.deployment)
    with _databases(run, guardian, connections, change, fix) as (redirect_a, redirect_b):
        baseline = Arm(deployment=run.deployment, databases=redirect_a)
        changed = arm_of(
            Arm(deployment=run.deployment, databases=redirect_b) if redirect_b else unchanged,
            fix,
            change,
        )
        in_flight = 2 * run.capacity.in_flight
        with two_arms(
            guardian,
            run.app,
            run.workload,
            settings,
            baseline=baseline,
            changed=changed,
            in_flight=in_flight,
        ) as (arms, stands):
            for name, redirect in (("baseline", redirect_a), ("changed", redirect_b)):
                if redirect:
                    confirm(opened_databases([stands[name]]), redirect)
            return compare(
                arms,
                change,
                _rules(run, settings),
                seed=settings.seed,
                on_progress=lambda text: progress.stage("prove", f"{change.fix}: {text}"),
                on_clone=redirect_b is not None,
            )


def _rules(run: Run, settings: Settings) -> ExperimentRules:
    wanted_s = FEWEST_BLOCK_REQUESTS / max(run.capacity.rate_rps, 0.1)
    return ExperimentRules(
        block_s=min(LONGEST_BLOCK_S, max(SHORTEST_BLOCK_S, wanted_s)),
        budget_s=BUDGET_S[settings.effort],
    )


@contextmanager
def _databases(
    run: Run, guardian: Guardian, connections: Connections, change: Change, fix: Any
) -> Generator[tuple[Mapping[str, str] | None, Mapping[str, str] | None]]:
    """The clones that each arm opens; (None, None) for a fix that leaves the database alone."""
    if not hasattr(fix, "migrate"):
        with nullcontext():
            yield None, None
        return

    def run_script(command: Sequence[str], environment: Mapping[str, str], text: str) -> str:
        done = subprocess.run(
            [str(run.app.python), *command],
            input=text,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    with Clones(
        connections.entries,
        run=run_script,
        at_exit=guardian,
        statements=fix.migrate(change.parameters),
    ) as clones:
        yield clones.redirect("a"), clones.redirect("b")


def _result(trial: Trial) -> str:
    if not trial.effects:
        return f"{trial.change.fix}: {trial.verdict}. {trial.note}"
    effect = trial.effects[0]
    return (
        f"{trial.change.fix}: {trial.verdict}, x{effect.ratio:.2f} of the whole mix"
        f" ({effect.low_ratio:.2f} to {effect.high_ratio:.2f}, {effect.pairs} pairs)"
    )
