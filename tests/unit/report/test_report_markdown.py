"""The report as Markdown."""

from __future__ import annotations

from dataclasses import replace

from reports import HEALTHY, HOLD, INDEX, SICK, VOID

from pinchpoint.model.report import WallPoint
from pinchpoint.report.formats import markdown


def test_the_verdict_comes_first_and_each_finding_has_its_row() -> None:
    lines = markdown.render(SICK).splitlines()
    assert lines[0].startswith("### ")
    assert lines[2].startswith("**Saturates at ")
    rows = [line for line in lines if line.startswith(f"| {INDEX.code} ")]
    assert [row.count("|") for row in rows] == [5, 3]  # as a finding, and its trial
    assert HOLD.location is not None
    assert f":{HOLD.location.line} |" in markdown.render(SICK)


def test_every_row_of_a_table_has_as_many_cells() -> None:
    hostile = replace(INDEX, title="a | b\n| c", advice="`x`")
    rows = [
        line.replace("\\|", "")
        for line in markdown.render(replace(SICK, findings=(hostile,), trials=())).splitlines()
        if line.startswith("|")
    ]
    assert {row.count("|") for row in rows} == {5}


def test_what_comes_from_outside_is_no_markup() -> None:
    text = markdown.render(replace(HEALTHY, title="<img src=x> [a](b) *c*"))
    assert "### \\<img src=x\\> \\[a\\](b) \\*c\\*" in text


def test_nothing_is_quoted_of_a_void_run() -> None:
    text = markdown.render(VOID)
    assert "**None. This run is void" in text
    assert "- VOID: " in text


def test_a_healthy_app_has_no_table_of_findings() -> None:
    assert "No findings." in markdown.render(HEALTHY)


def test_from_outside_there_are_response_times() -> None:
    point = WallPoint(rate_rps=1, throughput_rps=1, p50_s=0.01, p99_s=0.02)
    seen = replace(HEALTHY, is_outside=True, wall_points=(point,))
    assert "| 1 req/s | 10 ms | 20 ms |" in markdown.render(seen)
