"""Findings become changes, the most valuable first; free-form experiments are read."""

from __future__ import annotations

from typing import Any

import pytest

from pinchpoint.errors import UsageError
from pinchpoint.model.budget import Budget
from pinchpoint.model.finding import Evidence, Finding, Status
from pinchpoint.model.span import Category
from pinchpoint.prove.propose import load_fixes, parse_fix, propose


def finding(code: str, share_ratio: float = 0.5, **more: Any) -> Finding:
    return Finding(
        code=code,
        title="A bottleneck",
        endpoint="GET /",
        share_ratio=share_ratio,
        evidence=(Evidence(statement="seen"),),
        **more,
    )


INDEX = {"table": "orders", "columns": "customer_id", "system": "postgresql"}


BUDGETS = [
    Budget(endpoint=name, requests=10, response_time_s=0.1, parts_s={Category.SQL: 0.1})
    for name in ("*", "GET /")
]


def fixes(*findings: Finding, **limits_rps: float) -> list[str]:
    return [change.fix for change in propose(findings, BUDGETS, limits_rps)]


def test_the_largest_predicted_gain_comes_first() -> None:
    index = finding("DB002", parameters=INDEX)  # removes half of all demand: x2
    workers = finding("SV001", parameters={"workers": "2"})
    assert fixes(index, workers, workers=50, cpu=60) == ["create_index", "more_workers"]
    assert fixes(index, workers, workers=50, cpu=500) == ["create_index", "more_workers"]
    small = finding("DB002", parameters=INDEX, share_ratio=0.1)
    assert fixes(small, workers, workers=50, cpu=60) == ["more_workers", "create_index"]


def test_a_larger_pool_comes_last_where_another_resource_is_the_wall() -> None:
    index = finding("DB002", parameters=INDEX, share_ratio=0.1)
    held = finding("PL002", parameters={"pool_size": "3", "max_overflow": "0"})
    assert fixes(held, index, pool=200, cpu=100) == ["create_index", "resize_pool"]
    assert fixes(held, index, pool=100, cpu=200) == ["resize_pool", "create_index"]


def test_a_change_names_the_finding_that_it_answers() -> None:
    (change,) = propose([finding("DB002", parameters=INDEX)], BUDGETS, {})
    assert change.finding == "DB002"
    assert change.advice == "Create an index on orders (customer_id)"


def test_two_findings_with_the_same_cure_are_one_change() -> None:
    both = [finding("DB002", share, parameters=INDEX) for share in (0.2, 0.3)]
    assert len(propose(both, BUDGETS, {})) == 1


def test_a_finding_without_a_fix_proposes_nothing() -> None:
    assert propose([finding("XX999")], BUDGETS, {}) == ()


def test_what_was_ruled_out_is_not_tried() -> None:
    assert fixes(finding("DB002", status=Status.RULED_OUT, parameters=INDEX)) == []


def test_no_findings_are_no_changes() -> None:
    assert fixes() == []


@pytest.mark.parametrize(
    ("text", "fix", "parameters"),
    [
        ("workers=4", "more_workers", {"workers": "4"}),
        ("pool_size=30", "resize_pool", {"pool_size": "30"}),
        (
            "create_index=orders.customer_id",
            "create_index",
            {"table": "orders", "columns": "customer_id"},
        ),
        (
            "create_index=sales.orders.customer_id,created",
            "create_index",
            {"table": "sales.orders", "columns": "customer_id, created"},
        ),
    ],
)
def test_a_free_form_experiment_is_read(text: str, fix: str, parameters: dict[str, str]) -> None:
    change = parse_fix(text)
    assert (change.fix, dict(change.parameters), change.finding) == (fix, parameters, "")


def test_an_unknown_experiment_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse_fix("wrokers=4")
    assert str(caught.value) == (
        "unknown fix 'wrokers=4'; "
        "known: create_index=TABLE.COLUMN, pool_size=NUMBER, workers=NUMBER"
    )


@pytest.mark.parametrize(
    "text", ["workers", "workers=", "workers=0", "workers=many", "pool_size=-1"]
)
def test_a_value_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"cannot read fix '.+': expected a number of"):
        parse_fix(text)


@pytest.mark.parametrize("text", ["create_index=orders", "create_index=orders.", "create_index=.a"])
def test_an_index_needs_table_and_column(text: str) -> None:
    with pytest.raises(UsageError, match=r"such as orders\.customer_id"):
        parse_fix(text)


def test_every_fix_has_a_manual_page_and_can_be_asked_for_as_it_says() -> None:
    for module in load_fixes().values():
        assert f"`{module.OPTION.partition('=')[0]}=" in (module.__doc__ or "")
        assert all(f"{code}," in (module.__doc__ or "") for code in module.ANSWERS)
