"""An objective, a fixed rate and a run that was stopped: in words, as JSON, as exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
import reports
from jsonschema import Draft202012Validator

from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.objective import ObjectiveResult
from pinchpoint.pipeline.reading import exit_status
from pinchpoint.report import story
from pinchpoint.report.codec import codec
from pinchpoint.report.formats import html, terminal
from pinchpoint.report.formats import json as json_format

if TYPE_CHECKING:
    from pinchpoint.model.report import Report

MET = ObjectiveResult(
    objective="p99<500ms",
    is_met=True,
    rate_rps=54.0,
    low_rps=50.0,
    high_rps=57.0,
    trials=12,
    met_trials=7,
)
MISSED = replace(MET, is_met=False, rate_rps=0.0, low_rps=0.0, high_rps=0.0, met_trials=0)


def with_objective(
    result: ObjectiveResult | None, state: CapacityState = CapacityState.SATURATED
) -> Report:
    capacity = replace(reports.SICK.capacity, objective=result, state=state)
    return replace(reports.SICK, capacity=capacity)


def stopped(reason: str) -> Report:
    return replace(reports.SICK, quality=replace(reports.SICK.quality, stopped=reason))


def test_says_up_to_which_rate_an_objective_is_met() -> None:
    said = next(story.outlook(with_objective(MET)))
    assert said == "Meets p99<500ms up to 54 req/s (trials turned: 50 to 57)."


def test_says_that_it_is_met_nowhere() -> None:
    said = next(story.outlook(with_objective(MISSED)))
    assert said == "Does not meet p99<500ms at any rate that was tried (0 of 12 trials)."


@pytest.mark.parametrize(("is_met", "verb"), [(True, "Meets"), (False, "Does not meet")])
def test_a_fixed_rate_has_no_range(*, is_met: bool, verb: str) -> None:
    result = replace(MET, is_met=is_met, rate_rps=62.3)
    said = list(story.outlook(with_objective(result, CapacityState.NOT_SOUGHT)))
    assert said == [f"{verb} p99<500ms at 62.3 req/s (7 of 12 trials)."]


@pytest.mark.parametrize(("sustained_rps", "verb"), [(62.3, "Sustains"), (0.0, "Does not sustain")])
def test_a_fixed_rate_is_no_capacity(sustained_rps: float, verb: str) -> None:
    report = with_objective(None, CapacityState.NOT_SOUGHT)
    report = replace(report, capacity=replace(report.capacity, sustained_rps=sustained_rps))
    assert story.headline(report).startswith(f"{verb} 62.3 req/s, as asked for")


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (reports.SICK, 0),
        (with_objective(MET), 0),
        (with_objective(MISSED), 1),
        (reports.VOID, 4),
        (stopped("the disk is full"), 4),
    ],
)
def test_the_exit_status_is_that_of_the_report(report: Report, status: int) -> None:
    assert exit_status(report) == status


@pytest.mark.parametrize("result", [None, MET, MISSED])
def test_the_json_has_it(result: ObjectiveResult | None) -> None:
    published = json.loads(json_format.render(with_objective(result)))
    schema = files("pinchpoint.report").joinpath("report.schema.json").read_text("utf-8")
    Draft202012Validator(json.loads(schema)).validate(published)
    verdict = published["verdict"]
    assert verdict["slo_rps"] == (result.rate_rps if result else 0)
    assert (verdict["objective"] or {}).get("is_met") == (result.is_met if result else None)


def test_a_stopped_run_says_so_first() -> None:
    report = stopped("429 Too Many Requests in 93% of the answers: a rate limiter")
    assert terminal.render(report).startswith("STOPPED  429 Too Many Requests in 93% of the ans")
    assert "STOPPED: what follows is partial" in html.render(report)
    assert json.loads(json_format.render(report))["quality"]["stopped"].startswith("429")


def test_the_store_keeps_it() -> None:
    capacity = with_objective(MET).capacity
    stored = json.loads(json.dumps(codec(Capacity).encode(capacity)))
    assert codec(Capacity).decode(stored) == capacity
