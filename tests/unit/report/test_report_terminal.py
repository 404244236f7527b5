"""The terminal says it in 30 lines, whatever there is to say."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st

from pinchpoint.model.finding import Evidence, Finding, Location
from pinchpoint.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from pinchpoint.model.report import Report

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def sick(tmp_path: Path) -> Report:
    (tmp_path / "main.py").write_text(reports.MAIN, encoding="utf-8")
    return replace(
        reports.SICK, environment={**reports.SICK.environment, "directory": str(tmp_path)}
    )


def test_the_sick_shop(sick: Report) -> None:
    assert terminal.render(sick) == GOLDEN


GOLDEN = """\
pinchpoint  shop.main:app (FastAPI 0.121, uvicorn x2, PostgreSQL 18)   run 2026-11-22T102431
  6 GET routes from the route table, 41 real ids from the database, equally often
  56 req/s for 25 s, 1,402 requests

VERDICT  Saturates at 62.3 req/s (95 %: 58.4 to 65.1). The wall: the pool of 5 database connections.
         Proven: give the connection back before the call: 62 → 194 req/s, x3.13 (99 %: 2.91 to
         3.36). Next wall of the unchanged app: CPU of the application's workers at about 231 req/s.

 ● PL002  A connection is held during a call to another service                req/s x3.13  [proven]
   --> main.py:5  in quote_product()  GET /products/{product_id}/quote
    4 | product = find_product(session, product_id)
    5 | rate = partner.get("/rates/USD").json()["rate"]
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    = evidence  the connection is idle for 98 % of the 182 ms that it is held; all 5 connections of
                the pool are out (97 %)
    = victims   waiting in all: GET /products/{product_id} 41.3 s, GET /orders 22.8 s
    = fix       Call the partner before the session is opened, or after it is closed.
    = proof     12 pairs, 62 → 194 req/s, x3.13 (99 %: 2.91 to 3.36); answers identical
                its neighbours gain: this endpoint itself stays as slow (its response time x0.99)
 ● DB002  Missing index on orders.customer_id in GET /customers/{…  req/s x1.31  [proven on a clone]
 ◐ DB001  N+1: 25 x SELECT customers for one list in GET /orde…  up to 48 % of its time  [predicted]
 ○ AS001  A blocking call stops the event loop in GET /report    up to 12 % of its time  [suspected]

 RULED OUT  workers 2 -> 4: x1.01 (0.97 to 1.05) · framework: 1.3 % of the response time · garbage
            collection: 0.2 % of CPU
 NOT SEEN   3 routes: it writes (POST /orders, DELETE /orders/{order_id} and 1 more); 1 route: it
            needs a login (GET /me)
 HOW SURE   A/A x1.00 (0.99 to 1.01) · probe costs 2.1 % · generator 4 % of a core · lag p99 0.4 ms
 NOTE       the mix is a guess: every route equally often; PostgreSQL runs on the same machine
"""


def test_colour_changes_no_character(sick: Report) -> None:
    colored = terminal.render(sick, is_colored=True)
    assert "\x1b[" in colored
    assert ESCAPES.sub("", colored) == terminal.render(sick)


def test_a_healthy_run_is_short() -> None:
    text = terminal.render(reports.HEALTHY)
    assert " No findings." in text
    assert "NOT SEEN" not in text


def test_a_void_run_says_so_first_and_names_no_capacity(sick: Report) -> None:
    text = terminal.render(replace(sick, quality=reports.VOID.quality))
    assert text.startswith("VOID     Little's law")
    assert "req/s x" not in text
    assert "Saturates" not in text
    assert "[proven]" not in text


def test_a_file_that_cannot_be_read_costs_only_the_frame() -> None:
    text = terminal.render(replace(reports.SICK, environment={"directory": "/nowhere"}))
    assert "--> main.py:5  in quote_product()" in text
    assert "^^^" not in text


def test_a_line_that_the_file_does_not_have_costs_only_the_frame(sick: Report) -> None:
    finding = replace(reports.HOLD, location=Location(file="main.py", line=999))
    assert "^^^" not in terminal.render(replace(sick, findings=(finding,)))


def test_hidden_findings_are_counted() -> None:
    text = terminal.render(replace(reports.SICK, findings=(reports.HOLD,) * 40))
    shown = text.count("PL002")
    assert f"... and {40 - shown} more in the report" in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    finding = replace(reports.HOLD, title="evil\x1b]0;title\x07", advice="a\x1b[2Jb\nc")
    text = terminal.render(replace(reports.SICK, findings=(finding,)))
    assert "\x1b" not in text
    assert "\x07" not in text


TEXTS = st.text(max_size=300)
FINDINGS = st.builds(
    Finding,
    code=st.just("DB001"),
    title=TEXTS,
    endpoint=TEXTS,
    share_ratio=st.floats(0, 1),
    evidence=st.lists(st.builds(Evidence, statement=TEXTS), min_size=1, max_size=9).map(tuple),
    advice=TEXTS,
    location=st.builds(Location, file=TEXTS, line=st.integers(), function=TEXTS),
)


@settings(max_examples=60, deadline=None)
@given(
    findings=st.lists(FINDINGS, max_size=12).map(tuple),
    texts=st.lists(TEXTS, max_size=8).map(tuple),
    is_void=st.booleans(),
    width=st.integers(80, 120),
)
def test_never_more_than_30_lines_nor_wider_than_the_terminal(
    findings: tuple[Finding, ...], texts: tuple[str, ...], width: int, *, is_void: bool
) -> None:
    report = replace(
        reports.SICK,
        title=" ".join(texts),
        findings=findings,
        summary=texts,
        quality=replace(reports.SICK.quality, warnings=texts, violations=texts if is_void else ()),
    )
    lines = terminal.render(report, width=width).removesuffix("\n").split("\n")
    assert len(lines) <= 29  # the caller adds the path of the page
    assert max(map(len, lines)) <= width
