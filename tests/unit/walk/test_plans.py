from __future__ import annotations

from typing import Any

from pinchpoint.walk.plans import parse_plan

STATEMENT = "SELECT * FROM orders WHERE orders.customer_id = %(id)s"


def _answer(node: dict[str, Any], rows: int = 200_000) -> dict[str, Any]:
    return {
        "statement": STATEMENT,
        "system": "postgresql",
        "plan": [{"Plan": node, "Execution Time": 21.5}],
        "tables": {"orders": {"rows": rows}},
    }


def test_reads_a_full_scan() -> None:
    plan = parse_plan(
        _answer(
            {
                "Node Type": "Seq Scan",
                "Relation Name": "orders",
                "Filter": "(customer_id = ?)",
                "Actual Rows": 10.0,
                "Actual Loops": 1,
                "Rows Removed by Filter": 199_990,
                "Actual Total Time": 20.0,
            }
        )
    )
    assert plan is not None
    (scan,) = plan.scans
    assert (scan.table, scan.columns, scan.uses_index) == ("orders", ("customer_id",), False)
    assert (scan.read_rows, scan.kept_rows, scan.table_rows) == (200_000, 10, 200_000)
    assert plan.time_s == 0.0215


def test_a_parallel_scan_counts_the_rows_of_all_its_processes() -> None:
    node = {
        "Node Type": "Seq Scan",
        "Relation Name": "orders",
        "Filter": "((status)::text = '?'::text)",
        "Actual Rows": 5.0,
        "Actual Loops": 2,
        "Rows Removed by Filter": 99_995,
    }
    plan = parse_plan(_answer({"Node Type": "Gather", "Plans": [node]}))
    assert plan is not None
    assert plan.scans[0].read_rows == 200_000
    assert plan.scans[0].columns == ("status",)


def test_an_index_scan_is_one() -> None:
    node = {"Node Type": "Index Scan", "Relation Name": "orders", "Index Name": "orders_pkey"}
    plan = parse_plan(_answer(node))
    assert plan is not None
    assert plan.scans[0].uses_index
    assert "using orders_pkey" in plan.lines[0]


def test_sqlite_takes_table_and_columns_from_the_statement() -> None:
    plan = parse_plan(
        {
            "statement": "SELECT * FROM loan AS l WHERE l.member_id = ?",
            "system": "sqlite",
            "plan": ["SCAN l"],
            "tables": {"loan": {"rows": 50_000}},
        }
    )
    assert plan is not None
    (scan,) = plan.scans
    assert (scan.table, scan.columns, scan.table_rows) == ("loan", ("member_id",), 50_000)
    assert not scan.uses_index


def test_an_automatic_index_is_a_missing_one() -> None:
    plan = parse_plan(
        {
            "statement": "SELECT * FROM a JOIN b ON a.x = b.x",
            "system": "sqlite",
            "plan": ["SCAN a", "SEARCH b USING AUTOMATIC COVERING INDEX (x=?)"],
            "tables": {},
        }
    )
    assert plan is not None
    assert [scan.uses_index for scan in plan.scans] == [False, False]


def test_a_statement_that_could_not_be_explained_has_no_plan() -> None:
    assert parse_plan({"statement": "BEGIN", "system": "postgresql", "error": "no SELECT"}) is None
