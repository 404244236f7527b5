"""DB001 speaks for loops over rows, and keeps still for what looks alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from building import CUSTOMER, ELSEWHERE, SITE, Operation, mix, recording, request, sql
from pinchpoint.attribute import attribute
from pinchpoint.diagnose import diagnose
from pinchpoint.model.finding import Location, Status

if TYPE_CHECKING:
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording


def found(seen: Recording) -> tuple[Finding, ...]:
    return tuple(one for one in diagnose(seen, attribute(seen)) if one.code == "DB001")


def is_silent(*operations: Operation, app_ms: float = 1) -> bool:
    return not found(recording("GET /orders", *operations, app_ms=app_ms))


def test_share_is_what_a_fix_could_win() -> None:
    seen = recording("GET /orders", *[sql(CUSTOMER, ms=2)] * 45, app_ms=10)
    (finding,) = diagnose(seen, attribute(seen))
    assert finding.share_ratio == pytest.approx(0.9)  # 90 of 100 ms
    assert finding.mix_share_ratio == pytest.approx(0.9)
    assert finding.status is Status.PREDICTED


def test_a_mappers_work_between_the_statements_can_be_won_too() -> None:
    row = (sql(CUSTOMER, ms=1), Operation(ms=3))
    (finding,) = found(recording("GET /orders", *row * 11, app_ms=9))
    assert finding.share_ratio == pytest.approx(41 / 53)  # 11 statements, 10 times between them
    assert [one.value for one in finding.evidence[1:]] == pytest.approx([0.011, 0.030])


def test_work_before_the_loop_and_in_other_statements_is_not_of_it() -> None:
    row = (sql(CUSTOMER, ms=1), sql(ms=2, site=ELSEWHERE, rows=500))
    (finding,) = found(recording("GET /orders", Operation(ms=20), *row * 10, app_ms=0))
    assert finding.share_ratio == pytest.approx(10 / 50)


def test_names_the_line_the_statement_and_the_count() -> None:
    (finding,) = found(recording("GET /orders", *[sql(CUSTOMER, ms=2)] * 45))
    assert finding.location == Location(file="shop/views.py", line=12, function="list_orders")
    assert finding.title == "N+1: 45 x SELECT customers"
    assert finding.evidence[0].value == 45
    assert finding.parameters["site"] == SITE


def test_waiting_is_not_part_of_what_it_is_a_share_of() -> None:
    seen = recording("GET /orders", *[sql(CUSTOMER, ms=1)] * 5, app_ms=5, queue_ms=90)
    (finding,) = found(seen)
    assert finding.share_ratio == pytest.approx(0.5)
    assert finding.mix_share_ratio == pytest.approx(0.05)


@pytest.mark.parametrize(("times", "is_found"), [(4, False), (5, True)])
def test_five_repeats_in_a_request_are_a_loop(times: int, *, is_found: bool) -> None:
    assert is_silent(*[sql(CUSTOMER, ms=1)] * times) is not is_found


@pytest.mark.parametrize(("app_ms", "status"), [(45, Status.PREDICTED), (46, Status.SUSPECTED)])
def test_below_a_tenth_of_the_time_it_is_a_suspicion(app_ms: float, status: Status) -> None:
    (finding,) = found(recording("GET /orders", *[sql(CUSTOMER, ms=1)] * 5, app_ms=app_ms))
    assert finding.status is status


def test_literals_do_not_make_statements_different() -> None:
    loop = [sql(f"SELECT name FROM customers WHERE id = {number}", ms=1) for number in range(9)]
    assert not is_silent(*loop)


def test_fetching_is_no_statement_of_its_own() -> None:
    fetched = [sql(CUSTOMER, ms=1), sql(CUSTOMER, ms=1, is_continuation=True)] * 4
    assert is_silent(*fetched)


def test_writes_in_a_loop_count() -> None:
    assert not is_silent(*[sql("UPDATE orders SET paid = %s WHERE id = %s", ms=1)] * 9)


def test_the_median_request_decides() -> None:
    long = request("GET /orders", *[sql(CUSTOMER, ms=1)] * 50)
    short = request("GET /orders", sql(CUSTOMER, ms=1))
    assert not found(mix(long, short, short))
    assert found(mix(long, long, short))


def test_two_statements_alternating_at_a_line_are_one_finding() -> None:
    other = "SELECT name FROM products WHERE id = %s"
    seen = recording("GET /orders", *[sql(CUSTOMER, ms=2), sql(other, ms=1)] * 10)
    (finding,) = found(seen)
    assert finding.share_ratio == pytest.approx(1)
    assert [one.value for one in finding.evidence[:2]] == [10, 10]


def test_loops_at_two_lines_are_two_findings() -> None:
    seen = recording(
        "GET /orders", *[sql(CUSTOMER, ms=1)] * 9, *[sql(CUSTOMER, ms=1, site=ELSEWHERE)] * 9
    )
    assert len(found(seen)) == 2


def test_a_line_shared_by_two_endpoints_is_one_finding() -> None:
    loop = [sql(CUSTOMER, ms=1)] * 9
    seen = mix(request("GET /a", *loop), request("GET /b", *loop, app_ms=9))
    (finding,) = found(seen)
    assert finding.endpoint == "GET /a"
    assert "also GET /b" in finding.evidence[-1].statement
    assert finding.mix_share_ratio == pytest.approx(18 / 27)


def test_an_early_finding_needs_the_walk_only() -> None:
    seen = recording("GET /orders", *[sql(CUSTOMER, ms=2)] * 9, requests=1, purpose="walk")
    assert found(seen)[0].status is Status.PREDICTED


def test_without_a_line_it_still_counts() -> None:
    (finding,) = found(recording("GET /orders", *[sql(CUSTOMER, ms=2, site="")] * 9))
    assert finding.location is None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM tags WHERE id IN (%s, %s, %s)",
        "SELECT * FROM tags WHERE id = ANY(%s)",
        "SELECT * FROM tags WHERE id > %s ORDER BY id LIMIT 500",
        "SELECT * FROM tags WHERE (id) > (%s) ORDER BY id FETCH FIRST 500 ROWS ONLY",
        "SELECT * FROM tags ORDER BY id LIMIT 500 OFFSET 1000",
        "INSERT INTO tags VALUES (%s, %s), (%s, %s)",
    ],
)
def test_batches_and_pages_are_fine(statement: str) -> None:
    assert is_silent(*[sql(statement, ms=1)] * 9)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM tags WHERE id IN (%s)",
        "SELECT * FROM posts WHERE author_id = %s ORDER BY id LIMIT 1",
        "SELECT count(*) FROM posts WHERE author_id = %s AND rating > 3",
    ],
)
def test_one_value_at_a_time_is_not_a_batch(statement: str) -> None:
    assert not is_silent(*[sql(statement, ms=1)] * 9)


def test_one_statement_at_many_lines_is_fine() -> None:
    assert is_silent(*[sql(CUSTOMER, ms=1, site=f"a.py:{line}:f") for line in range(9)])


def test_different_statements_at_one_line_are_fine() -> None:
    assert is_silent(*[sql(f"SELECT * FROM table_{letter}", ms=1) for letter in "abcdefgh"])


@pytest.mark.parametrize(("rows", "is_loop"), [(99, True), (100, False)])
def test_a_large_result_in_pieces_is_fine(rows: int, *, is_loop: bool) -> None:
    assert is_silent(*[sql("SELECT * FROM log", ms=1, rows=rows)] * 9) is not is_loop


@pytest.mark.parametrize("statement", ["COMMIT", "BEGIN", "SET TIME ZONE 'UTC'", "SAVEPOINT s1"])
def test_transactions_are_fine(statement: str) -> None:
    assert is_silent(*[sql(statement, ms=1)] * 9)
