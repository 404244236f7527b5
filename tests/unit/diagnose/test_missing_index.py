"""DB002 speaks for full scans that throw nearly everything away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from building import ORDERS, SITE, mix, recording, request, sql
from pinchpoint.attribute import attribute
from pinchpoint.diagnose import diagnose
from pinchpoint.model.finding import Location, Status
from pinchpoint.model.recording import Plan, Scan

if TYPE_CHECKING:
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording

SCAN = Scan(
    table="orders",
    columns=("customer_id",),
    table_rows=200_000,
    read_rows=200_000,
    kept_rows=15,
    uses_index=False,
)
NEWEST = "SELECT * FROM orders ORDER BY placed_on DESC LIMIT 20"
SORTED = replace(SCAN, columns=(), kept_rows=200_000, sort_columns=("placed_on",))


def plan(scan: Scan, statement: str = ORDERS, system: str = "postgresql") -> Plan:
    lines = ("Sort", f"  Seq Scan on {scan.table}  Filter: (customer_id = ?)")
    return Plan(statement=statement, system=system, lines=lines, scans=(scan,))


def found(seen: Recording) -> tuple[Finding, ...]:
    return diagnose(seen, attribute(seen))


def with_scan(
    scan: Scan, statement: str = ORDERS, *, app_ms: float = 10, rows: int = 15, **options: str
) -> tuple[Finding, ...]:
    one = sql(statement, ms=90, rows=rows)
    plans = (plan(scan, statement, **options),)
    return found(recording("GET /orders", one, app_ms=app_ms, plans=plans))


def test_share_is_the_statements_time() -> None:
    (finding,) = with_scan(SCAN)
    assert (finding.code, finding.status) == ("DB002", Status.PREDICTED)
    assert finding.share_ratio == pytest.approx(0.9)
    assert finding.location == Location.parse(SITE)


def test_says_what_an_index_needs() -> None:
    (finding,) = with_scan(SCAN)
    assert finding.parameters == {
        "table": "orders",
        "columns": "customer_id",
        "statement": ORDERS,
        "system": "postgresql",
    }


def test_evidence_is_the_plan_and_its_rows() -> None:
    (finding,) = with_scan(SCAN)
    assert finding.evidence[0].statement == ("plan: Seq Scan on orders  Filter: (customer_id = ?)")
    assert [one.value for one in finding.evidence[1:3]] == [200_000, 15]


def test_below_a_tenth_of_the_time_it_is_a_suspicion() -> None:
    (finding,) = with_scan(SCAN, app_ms=900)
    assert finding.status is Status.SUSPECTED


def test_sorting_a_table_for_its_first_rows_needs_an_index_on_the_order() -> None:
    (finding,) = with_scan(SORTED, NEWEST, rows=20)
    assert finding.parameters["columns"] == "placed_on"


def test_sorting_all_that_is_returned_is_fine() -> None:
    assert not with_scan(SORTED, "SELECT * FROM orders ORDER BY placed_on", rows=20)
    assert not with_scan(SORTED, NEWEST, rows=150_000)


def test_sqlite_has_no_counts_but_the_client_has() -> None:
    uncounted = replace(SCAN, read_rows=-1, kept_rows=-1)
    assert with_scan(uncounted, system="sqlite", rows=15)
    assert not with_scan(uncounted, system="sqlite", rows=150_000)
    assert not with_scan(uncounted, system="sqlite", rows=-1)


@pytest.mark.parametrize(
    "innocent",
    [
        replace(SCAN, uses_index=True),
        replace(SCAN, table_rows=9_999, read_rows=9_999),
        replace(SCAN, kept_rows=10_000),  # 5 %
        replace(SCAN, kept_rows=2_001),  # less than 100 read for one kept
        replace(SCAN, table_rows=20_000, read_rows=999, kept_rows=0),
        replace(SCAN, columns=()),  # nothing that an index could be made of
    ],
)
def test_scans_that_are_fine(innocent: Scan) -> None:
    assert not with_scan(innocent)


def test_a_plan_of_another_endpoints_statement_is_fine() -> None:
    seen = recording("GET /orders", sql("SELECT 1", ms=90), plans=(plan(SCAN),))
    assert not found(seen)


def test_one_index_for_two_statements_is_one_finding() -> None:
    other = "SELECT count(*) FROM orders WHERE customer_id = %s"
    seen = recording(
        "GET /orders",
        sql(ORDERS, ms=60),
        sql(other, ms=30),
        app_ms=10,
        plans=(plan(SCAN), plan(SCAN, other)),
    )
    (finding,) = found(seen)
    assert finding.share_ratio == pytest.approx(0.9)
    assert finding.parameters["statement"] == ORDERS


def test_one_index_for_two_endpoints_is_one_finding() -> None:
    seen = mix(
        request("GET /a", sql(ORDERS, ms=60)),
        request("GET /b", sql(ORDERS, ms=30), app_ms=10),
        plans=(plan(SCAN),),
    )
    (finding,) = found(seen)
    assert finding.endpoint == "GET /a"
    assert finding.mix_share_ratio == pytest.approx(0.9)
