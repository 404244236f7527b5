"""Sentences say what was measured, and no more."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.model.capacity import CapacityState
from pinchpoint.model.finding import Evidence
from pinchpoint.model.trial import Verdict
from pinchpoint.report import story, words


def test_the_headline_is_capacity_and_wall() -> None:
    assert story.headline(reports.SICK) == (
        "Saturates at 62.3 req/s (95 %: 58.4 to 65.1)."
        " The wall: the pool of 5 database connections."
    )


@pytest.mark.parametrize(
    "state",
    [
        CapacityState.UNSTABLE,
        CapacityState.NOT_STEADY,
        CapacityState.CONTAMINATED,
        CapacityState.FAILED,
    ],
)
def test_an_unsure_capacity_is_not_named(state: CapacityState) -> None:
    report = replace(reports.SICK, capacity=replace(reports.SICK.capacity, state=state))
    assert "62" not in story.headline(report)
    assert not list(story.outlook(report))


def test_a_limited_generator_is_not_a_saturated_application() -> None:
    capacity = replace(reports.SICK.capacity, state=CapacityState.GENERATOR_LIMITED)
    said = story.headline(replace(reports.SICK, capacity=capacity))
    assert said.startswith("Not saturated at 62.3 req/s")


def test_a_void_run_names_no_figure() -> None:
    said = [story.headline(reports.VOID), *story.outlook(reports.VOID)]
    said += [story.gain(finding, reports.VOID) for finding in reports.VOID.findings]
    assert not any(character.isdigit() for sentence in said for character in sentence)


def test_the_best_proof_is_said_first() -> None:
    best = story.best_trial(reports.SICK)
    assert best is reports.HOLD_TRIAL


def test_a_finding_without_a_known_cost_claims_none() -> None:
    finding = replace(reports.HOLD, share_ratio=0.0)
    report = replace(reports.SICK, trials=())
    assert story.gain(finding, report) == "cost unknown"


def test_a_fix_without_effect_says_so() -> None:
    trial = replace(reports.HOLD_TRIAL, verdict=Verdict.EQUIVALENT)
    report = replace(reports.SICK, trials=(trial,))
    assert story.gain(reports.HOLD, report) == "fix tried: no effect"
    assert story.proof(trial).startswith("no effect on the whole mix; 12 pairs")


def test_a_fix_that_frees_the_neighbours_says_that_the_endpoint_stays_slow() -> None:
    assert "this endpoint itself stays as slow (its response time x0.99)" in story.reach(
        reports.HOLD_TRIAL, reports.QUOTE
    )


def test_a_fix_that_helps_its_endpoint_needs_no_remark() -> None:
    assert not story.reach(reports.INDEX_TRIAL, reports.OF_CUSTOMER)


def test_a_faster_endpoint_without_a_faster_mix_is_told() -> None:
    trial = replace(reports.INDEX_TRIAL, verdict=Verdict.EQUIVALENT)
    assert "became faster (response time x0.30)" in story.reach(trial, reports.OF_CUSTOMER)


def test_different_answers_are_shouted() -> None:
    trial = replace(reports.HOLD_TRIAL, same_answers=False, verdict=Verdict.REFUSED)
    assert "ANSWERS DIFFER" in story.proof(trial)


def test_a_refused_fix_says_why() -> None:
    trial = replace(
        reports.INDEX_TRIAL, verdict=Verdict.REFUSED, effects=(), on_clone=False, note="too large."
    )
    assert story.proof(trial) == "refused; too large"


def test_a_trial_belongs_to_the_finding_of_its_endpoint() -> None:
    other = replace(reports.HOLD, endpoint="GET /other")
    assert story.trials_of(reports.HOLD, reports.SICK) == (reports.HOLD_TRIAL,)
    assert not story.trials_of(other, reports.SICK)


def test_a_trial_belongs_to_the_finding_of_its_table() -> None:
    change = replace(reports.INDEX_TRIAL.change, parameters={"table": "customers"})
    assert not story.answers(replace(reports.INDEX_TRIAL, change=change), reports.INDEX)


def test_a_change_may_set_what_the_finding_saw() -> None:
    finding = replace(reports.HOLD, parameters={"pool_size": "5"})
    change = replace(reports.HOLD_TRIAL.change, parameters={"pool_size": "15"})
    assert story.answers(replace(reports.HOLD_TRIAL, change=change), finding)


def test_an_improvement_outweighs_a_later_failure() -> None:
    later = replace(reports.HOLD_TRIAL, verdict=Verdict.REFUSED, effects=())
    report = replace(reports.SICK, trials=(reports.HOLD_TRIAL, later))
    assert story.gain(reports.HOLD, report) == "req/s x3.13"


def test_a_proof_on_copies_says_so() -> None:
    assert story.status_words(reports.INDEX, reports.SICK) == "proven on a clone"


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence(statement="26 statements", value=26, unit="statements"), "26 statements"),
        (Evidence(statement="pool full", value=0.97, unit="ratio"), "pool full (97 %)"),
        (Evidence(statement="idle", value=0.182, unit="s"), "idle (182 ms)"),
        (Evidence(statement="idle", value=3, unit="rows"), "idle (3 rows)"),
        (Evidence(statement="SELECT a1 x 10", value=1, unit="rows"), "SELECT a1 x 10 (1 rows)"),
        (Evidence(statement="idle"), "idle"),
    ],
)
def test_evidence_shows_its_figure_once(evidence: Evidence, said: str) -> None:
    assert story.evidence_words(evidence) == said


@pytest.mark.parametrize(
    ("value_s", "said"),
    [(0, "0 ms"), (0.0004, "0.4 ms"), (1.8412, "1.84 s"), (0.182, "182 ms"), (12e-6, "12 µs")],
)
def test_durations_have_natural_units(value_s: float, said: str) -> None:
    assert words.duration(value_s) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(1842.3, "1,842"), (62.0, "62"), (0.9996, "1"), (100, "100"), (math.inf, "unbounded")],
)
def test_numbers_have_three_digits(value: float, said: str) -> None:
    assert words.number(value) == said


@given(st.floats(min_value=1e-3, max_value=1e9))
def test_numbers_lie_by_less_than_one_percent(value: float) -> None:
    assert float(words.number(value).replace(",", "")) == pytest.approx(value, rel=0.01)


def test_an_open_interval_has_no_upper_end() -> None:
    assert words.interval(1.2, math.inf) == "at least 1.20"
