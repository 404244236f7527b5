"""`pinchpoint demo`: the whole story, on the sick shop."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from command_line import pinchpoint, private_temporary_folder, processes_of
from jsonschema import validate

from pinchpoint.demo import PLANTED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command_line import Result


pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def own_runs() -> Iterator[Path]:
    with private_temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def demo(folder: Path, own_runs: Path) -> Result:
    return pinchpoint("demo", "--json=report.json", folder=folder, TMPDIR=str(own_runs))


def test_it_runs_to_a_verdict(demo: Result) -> None:
    """Or says, on a machine that is too busy, that the figures are void."""
    assert demo.status in {0, 4}, demo.output + demo.errors
    is_void = bool(demo.report["quality"]["violations"])
    assert is_void == (demo.status == 4)
    assert is_void or demo.report["verdict"]["capacity_rps"] > 0


@pytest.mark.parametrize("cause", PLANTED, ids=lambda cause: cause.code)
def test_every_cause_is_named_with_its_line(cause, demo: Result) -> None:
    finding = demo.finding(cause.code, cause.endpoint)
    assert (finding["file"], finding["line"]) == (cause.file, cause.line())
    assert finding["evidence"]


def test_nothing_else_is_found(demo: Result) -> None:
    assert demo.codes == {cause.code for cause in PLANTED}


def test_fixes_are_tried_with_the_same_answers_and_verdicts_follow_their_intervals(
    demo: Result,
) -> None:
    """How many pairs it takes, and so whether a fix is proven, is up to the machine."""
    trials = demo.report["trials"]
    assert trials
    for tried in trials:
        assert tried["same_answers"]
        assert tried["on_clone"] == (tried["fix"] == "create_index")
        assert (tried["verdict"] == "improved") == ((tried["low"] or 0) > 1)
    proven = {tried["finding"] for tried in trials if tried["verdict"] == "improved"}
    findings = demo.report["findings"]
    assert {one["code"] for one in findings if one["status"] == "proven"} == proven


def test_the_verdict_fits_on_a_screen(demo: Result) -> None:
    lines = demo.output.splitlines()
    verdict = lines[next(i for i, line in enumerate(lines) if line.startswith("pinchpoint ")) :]
    assert len(verdict) <= 30
    assert max(map(len, verdict)) <= 100


def test_the_json_is_as_published(demo: Result) -> None:
    schema = files("pinchpoint.report").joinpath("report.schema.json").read_text("utf-8")
    validate(demo.report, json.loads(schema))


def test_the_run_folder_has_page_and_recording(demo: Result, folder: Path) -> None:
    (run,) = folder.glob(".pinchpoint/*/")
    assert {"report.html", "report.json", "recording.json.gz"} <= {f.name for f in run.iterdir()}
    again = pinchpoint("analyze", "last", "--json=report.json", folder=folder)
    assert again.status == demo.status, again.errors
    assert again.report["findings"] == demo.report["findings"]


def test_nothing_is_left_running(demo: Result, own_runs: Path) -> None:
    assert demo.status in {0, 4}
    assert processes_of(own_runs) == []
    assert list(own_runs.glob("*/run-*")) == []
