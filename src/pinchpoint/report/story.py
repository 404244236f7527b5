"""What a report says, in sentences: the same in the terminal and on the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pinchpoint.model.capacity import CapacityState
from pinchpoint.model.finding import Status
from pinchpoint.model.trial import Verdict
from pinchpoint.report.words import duration, interval, number, percent, rate, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.finding import Evidence, Finding
    from pinchpoint.model.objective import ObjectiveResult
    from pinchpoint.model.report import Report
    from pinchpoint.model.trial import Effect, Trial

OUTSIDE_VIEW = "outside view, no causes"
"""The label of a run without a probe inside."""
SETTLED_RATIO = 0.71
"""Of the capacity: nearer to it a p99 needs minutes to settle (DESIGN §4: 0.7, and rounding)."""
FASTER_RATIO = 0.9
"""An endpoint that keeps more than this of its response time is said to stay as slow."""

_UNSURE = {
    CapacityState.UNSTABLE: "The throughput did not repeat itself: there is no capacity to name.",
    CapacityState.NOT_STEADY: "The throughput never became steady: there is no capacity to name.",
    CapacityState.CONTAMINATED: "Other programs disturbed the machine: no capacity to name.",
    CapacityState.FAILED: "No capacity was measured.",
}


def is_void(report: Report) -> bool:
    """A law is broken: no figure of this run may be quoted."""
    return bool(report.quality.violations)


def headline(report: Report) -> str:
    """Capacity and wall: the sentence that people quote."""
    capacity = report.capacity
    if is_void(report):
        return "None. This run is void: its figures break a law that true figures obey."
    if capacity.state is CapacityState.GENERATOR_LIMITED:
        most = rate(capacity.rate_rps)
        return f"Not saturated at {most}, the most that the generator can offer."
    if capacity.state in _UNSURE:
        return _UNSURE[capacity.state]
    if capacity.state is CapacityState.NOT_SOUGHT:
        verb = "Sustains" if capacity.sustained_rps else "Does not sustain"
        return f"{verb} {rate(capacity.rate_rps)}, as asked for; where it saturates is not known."
    ends = f"{number(capacity.low_rps)} to {number(capacity.high_rps)}"
    wall = f" The wall: {capacity.wall}." if capacity.wall else ""
    return f"Saturates at {rate(capacity.rate_rps)} (95 %: {ends}).{wall}"


def outlook(report: Report) -> Iterator[str]:
    """What else is known of the capacity: objective, confirmation, proven fix, next wall."""
    capacity = report.capacity
    if is_void(report):
        return
    if capacity.objective:
        yield _objective(capacity.objective, capacity.state)
    if capacity.state is not CapacityState.SATURATED:
        return
    if best := best_trial(report):
        yield f"Proven: {_lower(best.change.advice)}: {_from_to(best.effects[0])}."
    if capacity.next_wall:
        at = f" at about {rate(capacity.next_wall_rps)}" if capacity.next_wall_rps else ""
        # A fix that removes demand moves every wall; the figure is that of the app as it is.
        of = " of the unchanged app" if proven_trials(report) else ""
        yield f"Next wall{of}: {capacity.next_wall}{at}."


def _objective(result: ObjectiveResult, state: CapacityState) -> str:
    trials = f"{result.met_trials} of {result.trials} trials"
    if state is CapacityState.NOT_SOUGHT:
        verb = "Meets" if result.is_met else "Does not meet"
        return f"{verb} {result.objective} at {rate(result.rate_rps)} ({trials})."
    if not result.is_met:
        return f"Does not meet {result.objective} at any rate that was tried ({trials})."
    ends = interval(result.low_rps, result.high_rps)
    return f"Meets {result.objective} up to {rate(result.rate_rps)} (trials turned: {ends})."


def proven_trials(report: Report) -> tuple[Trial, ...]:
    """The trials that improved the whole mix, the best last."""
    proven = (t for t in report.trials if t.verdict is Verdict.IMPROVED and t.effects)
    return tuple(sorted(proven, key=lambda trial: trial.effects[0].ratio))


def best_trial(report: Report) -> Trial | None:
    """The improvement that won most; effects are not added up, as they need not add."""
    return next(reversed(proven_trials(report)), None)


IDENTIFYING = ("table", "columns", "site", "statement")
"""Parameters that a change has in common with its finding; others, such as a size, it sets."""


def answers(trial: Trial, finding: Finding) -> bool:
    """The trial was made for this finding, not for another one with the same code."""
    change, known = trial.change.parameters, finding.parameters
    return (
        trial.change.finding == finding.code
        and change.get("endpoint", finding.endpoint) == finding.endpoint
        and all(
            change[name] == known[name] for name in IDENTIFYING if name in change.keys() & known
        )
    )


def trials_of(finding: Finding, report: Report) -> tuple[Trial, ...]:
    """The trials that answer a finding, in their order."""
    return tuple(trial for trial in report.trials if answers(trial, finding))


def deciding_trial(finding: Finding, report: Report) -> Trial | None:
    """The best improvement among a finding's trials, else the last of them."""
    tried = trials_of(finding, report)
    improved = [trial for trial in proven_trials(report) if trial in tried]
    return next(reversed((*tried, *improved)), None)


def gain(finding: Finding, report: Report) -> str:
    """What the fix did, or the most that it could do."""
    if is_void(report):
        return "not measured"
    trial = deciding_trial(finding, report)
    if trial is None and not finding.share_ratio:
        return "cost unknown"
    if trial is None:
        return f"up to {percent(finding.share_ratio)} of its time"
    if trial.verdict is Verdict.IMPROVED and trial.effects:
        return f"req/s {times(trial.effects[0].ratio)}"
    return f"fix tried: {trial.verdict}"


def status_words(finding: Finding, report: Report) -> str:
    """The status, `inconclusive` for all findings of a void run."""
    if is_void(report):
        return str(Status.INCONCLUSIVE)
    trial = deciding_trial(finding, report)
    is_on_clone = trial is not None and trial.on_clone and finding.status is Status.PROVEN
    return f"{finding.status} on a clone" if is_on_clone else str(finding.status)


def evidence_words(evidence: Evidence) -> str:
    """The statement, with its figure unless the statement says it already."""
    figure = _figure(evidence)
    is_said = not figure or _mentions(evidence.statement, figure.split()[0])
    return evidence.statement if is_said else f"{evidence.statement} ({figure})"


def _mentions(statement: str, figure: str) -> bool:
    """The figure stands there by itself, not as a part of another or of a name."""
    return bool(re.search(rf"(?<![\w.,]){re.escape(figure)}(?!\w|[.,]\d)", statement))


def _figure(evidence: Evidence) -> str:
    match evidence.unit:
        case "":
            return ""
        case "s":
            return duration(evidence.value)
        case "ratio":
            return percent(evidence.value)
        case unit:
            return f"{number(evidence.value)} {unit}"


def proof(trial: Trial) -> str:
    """What an experiment measured, in one line."""
    words = [_LEAD[trial.verdict]] if trial.verdict in _LEAD else []
    if trial.effects:
        effect = trial.effects[0]
        words.append(f"{effect.pairs} pairs, {_from_to(effect)}")
    if trial.on_clone:
        words.append("on a clone")
    if trial.effects:
        words.append(_ANSWERS[trial.same_answers])
    if trial.note:
        words.append(trial.note.rstrip("."))
    return "; ".join(words)


_LEAD = {
    Verdict.EQUIVALENT: "no effect on the whole mix",
    Verdict.REGRESSED: "made the whole mix slower",
    Verdict.INCONCLUSIVE: "undecided",
    Verdict.REFUSED: "refused",
}
_ANSWERS = {True: "answers identical", False: "ANSWERS DIFFER", None: "answers not compared"}


def reach(trial: Trial, endpoint: str) -> str:
    """Who gains, where that is not the endpoint that was fixed; empty where it is.

    Freeing a held resource helps the neighbours and leaves the holder as slow as before; a
    faster endpoint need not move the wall of the mix.
    """
    ratio = trial.endpoints.get(endpoint)
    if ratio is None:
        return ""
    if trial.verdict is Verdict.IMPROVED and ratio > FASTER_RATIO:
        return (
            "its neighbours gain: this endpoint itself stays as slow"
            f" (its response time {times(ratio)})"
        )
    if trial.verdict is Verdict.EQUIVALENT and ratio <= FASTER_RATIO:
        return f"this endpoint itself became faster (response time {times(ratio)})"
    return ""


def _lower(sentence: str) -> str:
    """A sentence as a part of another."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _from_to(effect: Effect) -> str:
    ends = interval(effect.low_ratio, effect.high_ratio)
    ratio = f"{times(effect.ratio)} ({percent(effect.confidence_ratio)}: {ends})"
    if effect.metric == "throughput" and effect.baseline:
        return f"{number(effect.baseline)} → {rate(effect.changed)}, {ratio}"
    return f"{effect.metric.replace('_', ' ')} {ratio}"


def checks(report: Report) -> Iterator[tuple[str, str]]:
    """How sure the run is: name and figure of each check of the instrument itself."""
    quality = report.quality
    null = quality.null_effect
    yield (
        "A/A",
        f"{times(null.ratio)} ({interval(null.low_ratio, null.high_ratio)})"
        if null
        else "not measured",
    )
    if not report.is_outside:
        yield "probe costs", _overhead(quality.probe_overhead_ratio)
    yield "generator", f"{percent(quality.generator_cpu_ratio)} of a core"
    yield "lag p99", duration(quality.lag_p99_s)
    if quality.lost_ratio:
        yield "records lost", percent(quality.lost_ratio)


def response_times(report: Report) -> Iterator[tuple[str, str, str]]:
    """Rate, median and 99th percentile of each rate that was offered in open loop."""
    most_rps = SETTLED_RATIO * report.capacity.rate_rps
    for point in report.wall_points:
        if point.rate_rps:
            is_settled = point.rate_rps <= most_rps
            p99 = duration(point.p99_s) if is_settled else "not converged"
            yield rate(point.rate_rps), duration(point.p50_s), p99


def plan_lines(finding: Finding, report: Report) -> tuple[str, ...]:
    """How the database executes the finding's statement, if it was explained."""
    statement = finding.parameters.get("statement", "")
    return next((plan.lines for plan in report.plans if plan.statement == statement), ())


def _overhead(ratio: float | None) -> str:
    """A probe does not make an application faster: what reads so is the noise of the blocks."""
    if ratio is None:
        return "not measured"
    return percent(ratio) if ratio > 0 else "less than the noise"
