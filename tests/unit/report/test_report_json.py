"""The published JSON keeps what its schema promises."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import reports
from jsonschema import Draft202012Validator

from pinchpoint.model.finding import Location
from pinchpoint.report.formats import json as json_format

if TYPE_CHECKING:
    from pinchpoint.model.report import Report

SCHEMA = json.loads(files("pinchpoint.report").joinpath("report.schema.json").read_text("utf-8"))


def published(report: Report) -> Any:
    return json.loads(json_format.render(report))


def objects(schema: Any) -> list[Any]:
    """Every part of a schema that names its properties."""
    parts = schema.values() if isinstance(schema, dict) else schema
    inner = [found for part in parts if isinstance(part, dict | list) for found in objects(part)]
    return [schema, *inner] if isinstance(schema, dict) and "required" in schema else inner


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_is_closed_and_knows_no_optional_key() -> None:
    for part in objects(SCHEMA):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


@pytest.mark.parametrize("report", [reports.SICK, reports.HEALTHY, reports.VOID])
def test_obeys_the_schema(report: Report) -> None:
    Draft202012Validator(SCHEMA).validate(published(report))


def test_the_verdict_is_the_capacity() -> None:
    verdict = published(reports.SICK)["verdict"]
    assert verdict["capacity_rps"] == pytest.approx(62.3)
    assert verdict["wall"] == "the pool of 5 database connections"


def test_a_void_run_has_no_capacity() -> None:
    assert published(reports.VOID)["verdict"]["capacity_rps"] is None


def test_an_interval_without_an_end_is_null() -> None:
    trial = replace(reports.HOLD_TRIAL, effects=(reports.effect(3.1, 1.2, math.inf),))
    document = published(replace(reports.SICK, trials=(trial,)))
    assert document["trials"][0]["high"] is None
    Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize(
    ("file", "shown"),
    [("/srv/shop/api/main.py", "api/main.py"), ("/usr/lib/x.py", "/usr/lib/x.py")],
)
def test_files_are_relative_to_the_application(file: str, shown: str) -> None:
    finding = replace(reports.HOLD, location=Location(file=file, line=5))
    report = replace(reports.SICK, findings=(finding,), environment={"directory": "/srv/shop"})
    assert published(report)["findings"][0]["file"] == shown
