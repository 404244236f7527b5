"""Prove fixes: choose what to try, set up both arms, compare, take everything back."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint import attribute
from pinchpoint.errors import PinchpointError
from pinchpoint.model.capacity import CapacityState
from pinchpoint.model.trial import Trial, Verdict
from pinchpoint.pipeline.arms import Arm, arm_of, opened_databases, two_arms
from pinchpoint.pipeline.breakers import left_s
from pinchpoint.prove.clone import (
    CloneRefused,
    Clones,
    Interpreter,
    confirm,
    read_databases,
)
from pinchpoint.prove.experiment import ExperimentRules, compare
from pinchpoint.prove.propose import load_fixes, parse_fix, propose
from pinchpoint.settings import Effort

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.trial import Change, Effect
    from pinchpoint.model.workload import Workload
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.pipeline.run import Run
    from pinchpoint.pipeline.stand import Stand
    from pinchpoint.prove.clone import (
        OpenedDatabase,
    )
    from pinchpoint.settings import Settings

FEWEST_BLOCK_REQUESTS = 60
"""A block's rate from fewer completions is mostly counting noise (1 / sqrt(60) = 13 %)."""
SHORTEST_BLOCK_S = 1.0
LONGEST_BLOCK_S = 4.0
BUDGET_S = {Effort.QUICK: 45.0, Effort.NORMAL: 75.0, Effort.THOROUGH: 300.0}
PAIRS_IN_BUDGET = 16
"""An experiment decides from 12 pairs on; a budget for fewer could never end in a verdict."""
SPARE_PAIRS = 2
"""Contaminated pairs that are measured again: more would cost more time than they save."""
FUTILE_PAIRS = 8
"""Of `check`, which would rather try the next fix; `prove` goes on until it can rule out."""
NOT_AT_A_RATE = (
    "no fix was tried: an experiment compares throughputs at the wall, which --rate does not seek"
)
MOST_PROOFS = 3
"""Of `check`: it stops at the first that improves, and never tries more than these."""


def opened(one: Stand, workload: Workload) -> tuple[OpenedDatabase, ...]:
    """The databases that the workers have opened, with what it takes to clone them."""
    visit = one.visitor()
    answers = []
    for template in workload.templates:
        visit(template.endpoint, template.paths[0])
        answers.append(one.running.ask("connections", {}))
    return read_databases(answers)


def prove_best(
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    databases: Sequence[OpenedDatabase],
) -> None:
    """Try fixes in the order of their worth until one improves the whole mix."""
    if run.capacity.state is CapacityState.NOT_SOUGHT:
        run.warnings.append(NOT_AT_A_RATE)
        return
    for change in _proposed(run)[:MOST_PROOFS]:
        rules = _rules(run, settings, futile_pairs=FUTILE_PAIRS)
        trial = _try(run, guardian, settings, progress, databases, change, rules)
        if trial.verdict is Verdict.IMPROVED:
            return


def prove_each(  # noqa: PLR0913, PLR0917  # as above, and what was asked for
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    databases: Sequence[OpenedDatabase],
    fixes: Sequence[str],
) -> None:
    """Try the fixes of the named findings, or free-form ones; all findings if none is named."""
    for change in _changes(run, fixes):
        rules = _rules(run, settings)
        _try(run, guardian, settings, progress, databases, change, rules)


def _proposed(run: Run) -> tuple[Change, ...]:
    report = run.report()
    limits_rps = {bound.kind: bound.rate_rps for bound in attribute.bounds(run.recording())}
    return propose(report.findings, report.budgets, limits_rps)


def _changes(run: Run, fixes: Sequence[str]) -> list[Change]:
    proposed = _proposed(run)
    if not fixes:
        return list(proposed)
    known = {change.finding for change in proposed}
    changes: list[Change] = []
    for text in fixes:
        if text.upper() in known:
            changes += [change for change in proposed if change.finding == text.upper()]
        else:
            changes.append(parse_fix(text))
    return changes


def _try(  # noqa: PLR0913, PLR0917  # as above
    run: Run,
    guardian: Guardian,
    settings: Settings,
    progress: Progress,
    databases: Sequence[OpenedDatabase],
    change: Change,
    rules: ExperimentRules,
) -> Trial:
    progress.stage("prove", f"{change.finding} {change.advice}")
    try:
        trial = _compare(run, guardian, settings, progress, databases, change, rules)
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
    databases: Sequence[OpenedDatabase],
    change: Change,
    rules: ExperimentRules,
) -> Trial:
    fix = load_fixes()[change.fix]
    statements = fix.migrate(change.parameters) if hasattr(fix, "migrate") else ()
    with (
        _redirected(run, guardian, databases, statements) as (redirect_a, redirect_b),
        two_arms(
            guardian,
            run.app,
            run.workload,
            settings,
            baseline=Arm(deployment=run.deployment, databases=redirect_a),
            changed=arm_of(Arm(deployment=run.deployment, databases=redirect_b), fix, change),
            in_flight=2 * run.capacity.in_flight,
        ) as (arms, stands),
    ):
        for name, redirect in (("baseline", redirect_a), ("changed", redirect_b)):
            if redirect:
                confirm(opened_databases(stands[name]), redirect)
        trial = compare(
            arms,
            change,
            rules,
            seed=settings.seed,
            on_progress=lambda effect: progress.stage("prove", f"{change.fix}: {_so_far(effect)}"),
        )
    return replace(trial, on_clone=bool(statements))


def _rules(run: Run, settings: Settings, *, futile_pairs: int = 0) -> ExperimentRules:
    wanted_s = FEWEST_BLOCK_REQUESTS / max(run.capacity.rate_rps, 0.1)
    block_s = min(LONGEST_BLOCK_S, max(SHORTEST_BLOCK_S, wanted_s))
    usual_s = max(BUDGET_S[settings.effort], PAIRS_IN_BUDGET * 2 * block_s)
    max_s = min(usual_s, left_s(run, settings))
    return ExperimentRules(
        block_s=block_s, max_s=max_s, futile_pairs=futile_pairs, spare_pairs=SPARE_PAIRS
    )


@contextmanager
def _redirected(
    run: Run,
    guardian: Guardian,
    databases: Sequence[OpenedDatabase],
    statements: Sequence[str],
) -> Generator[tuple[Mapping[str, str], Mapping[str, str]]]:
    """The clones that each arm opens; none for a fix that leaves the database alone."""
    if not statements:
        yield {}, {}
        return
    if not databases:
        raise CloneRefused("the application has opened no database that can be cloned", "other")
    interpreter = Interpreter(
        python=run.app.python, environment=dict(os.environ), run=_run_script, clean_up=guardian
    )
    run_id = "".join(filter(str.isalnum, guardian.folder.name))[-12:].lower()
    with Clones(databases, interpreter, run_id=run_id, folder=guardian.folder) as clones:
        clones.migrate(statements)
        yield clones.redirect("baseline"), clones.redirect("changed")


def _run_script(command: Sequence[str], environment: Mapping[str, str], text: str) -> str:
    done = subprocess.run(
        command, input=text, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


def _result(trial: Trial) -> str:
    if not trial.effects:
        return f"{trial.change.fix}: {trial.verdict}. {trial.note}"
    effect = trial.effects[0]
    return (
        f"{trial.change.fix}: {trial.verdict}, x{effect.ratio:.2f} of the whole mix"
        f" ({effect.low_ratio:.2f} to {effect.high_ratio:.2f}, {effect.pairs} pairs)"
    )


def _so_far(effect: Effect) -> str:
    return f"pair {effect.pairs}, x{effect.ratio:.2f} so far"
