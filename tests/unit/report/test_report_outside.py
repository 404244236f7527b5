"""A view from outside says so in every form, and claims no cause."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator
from reports import SICK

from pinchpoint.model.report import WallPoint
from pinchpoint.report.formats import html, terminal
from pinchpoint.report.formats import json as json_format
from pinchpoint.report.story import response_times

if TYPE_CHECKING:
    from pinchpoint.model.report import Report

SCHEMA = json.loads(files("pinchpoint.report").joinpath("report.schema.json").read_text("utf-8"))


def point(rate_rps: float) -> WallPoint:
    return WallPoint(rate_rps=rate_rps, throughput_rps=rate_rps, p50_s=0.012, p99_s=0.4)


def outside() -> Report:
    rate_rps = SICK.capacity.rate_rps
    return replace(
        SICK,
        title="http://127.0.0.1:8000 (outside view, no causes)",
        is_outside=True,
        findings=(),
        trials=(),
        budgets=(),
        blame=(),
        ruled_out=(),
        wall_points=(point(0.3 * rate_rps), point(0.9 * rate_rps), point(0.0)),
    )


def test_the_terminal_shows_response_times_instead_of_findings() -> None:
    text = terminal.render(outside())
    assert "(outside view, no causes)" in text
    assert "Causes are not seen from outside." in text
    assert "No findings" not in text
    assert "probe costs" not in text
    assert "p50 12 ms" in text


def test_a_p99_near_the_capacity_is_not_quoted() -> None:
    assert [p99 for _, _, p99 in response_times(outside())] == ["400 ms", "not converged"]


def test_the_json_says_from_where_it_was_seen() -> None:
    tree = json.loads(json_format.render(outside()))
    Draft202012Validator(SCHEMA).validate(tree)
    assert tree["view"] == "outside view, no causes"
    assert json.loads(json_format.render(SICK))["view"] == "inside"


@pytest.mark.parametrize("is_outside", [True, False])
def test_the_page_says_from_where_it_was_seen(*, is_outside: bool) -> None:
    page = html.render(replace(outside(), is_outside=is_outside, title="shop"))
    assert bool(re.search("Outside view, no causes", page)) is is_outside
    assert ("None can be seen from outside." in page) is is_outside
