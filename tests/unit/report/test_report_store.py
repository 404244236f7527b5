"""What is saved comes back as it was, small and whole."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st

from pinchpoint.errors import UsageError
from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.recording import Recording, Step
from pinchpoint.model.report import Report
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Category, Span, Trace
from pinchpoint.model.trial import Trial
from pinchpoint.model.workload import RequestTemplate, Workload
from pinchpoint.report import store
from pinchpoint.report.codec import codec

NOON_S = 1_795_000_000.0


def span(number: int, category: Category = Category.SQL) -> Span:
    return Span(number, 0, category, "SELECT 1", "main.py:5:f", number * 100, number * 100 + 7, 1)


def recording(*traces: Trace, samples: tuple[Sample, ...] = ()) -> Recording:
    return Recording(
        app=App(
            target="shop:app",
            interface=Interface.ASGI,
            framework=Framework.FASTAPI,
            directory=Path("app"),
            python=Path("bin/python"),
        ),
        deployment=Deployment(server="uvicorn"),
        workload=Workload(templates=(RequestTemplate(endpoint="GET /", paths=("/",)),)),
        steps=(Step(purpose="pin", start_ns=1, duration_s=2.0, traces=traces, samples=samples),),
    )


def trace(number: int, *spans: Span) -> Trace:
    return Trace(number, "GET /", 7, 8, 0, 10, 20, 0, 200, spans)


def through_json(noun: Any, value: Any) -> Any:
    form = codec(noun)
    return form.decode(json.loads(json.dumps(form.encode(value))))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.from_type(Span), max_size=3), max_size=3))
def test_traces_survive_the_round_trip(spans: list[list[Span]]) -> None:
    seen = recording(*(trace(number, *those) for number, those in enumerate(spans, 1)))
    assert through_json(Recording, seen) == seen


@settings(max_examples=40, deadline=None)
@given(st.lists(st.from_type(Sample), max_size=5).map(tuple))
def test_samples_survive_the_round_trip(samples: tuple[Sample, ...]) -> None:
    seen = recording(samples=samples)
    assert through_json(Recording, seen) == seen


FIGURES = st.floats(allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(ratio=FIGURES, note=st.text(), rates=st.lists(st.tuples(FIGURES, FIGURES)).map(tuple))
def test_trials_survive_the_round_trip(
    ratio: float, note: str, rates: tuple[tuple[float, float], ...]
) -> None:
    trial = Trial(
        change=reports.HOLD_TRIAL.change,
        verdict=reports.HOLD_TRIAL.verdict,
        effects=(reports.effect(1.0, 0.5, ratio),),
        note=note,
        block_rates=rates,
    )
    assert through_json(Trial, trial) == trial


@pytest.mark.parametrize("report", [reports.SICK, reports.HEALTHY, reports.VOID])
def test_reports_survive_the_round_trip(report: Report) -> None:
    assert through_json(Report, report) == report


def test_enums_come_back_as_enums() -> None:
    (step,) = through_json(Recording, recording(trace(1, span(1)))).steps
    assert step.traces[0].spans[0].category is Category.SQL


def test_an_open_interval_stays_open() -> None:
    assert through_json(float, math.inf) == math.inf


def test_a_type_without_a_form_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        codec(set[int])


def test_saves_and_loads_a_run(tmp_path: Path) -> None:
    seen = recording(trace(1, span(1), span(2, Category.OUTBOUND)), trace(2))
    store.save(tmp_path, reports.SICK, seen)
    assert store.load_report(tmp_path) == reports.SICK
    assert store.load_recording(tmp_path) == seen
    assert store.load_report(tmp_path / store.ANALYSIS) == reports.SICK


def test_a_hundred_thousand_spans_take_less_than_a_megabyte(tmp_path: Path) -> None:
    traces = (trace(n, *(span(10 * n + part) for part in range(10))) for n in range(1, 10_001))
    store.save(tmp_path, reports.SICK, recording(*traces))
    assert (tmp_path / store.RECORDING).stat().st_size < 1_000_000


def test_leaves_no_partial_file(tmp_path: Path) -> None:
    store.save(tmp_path, reports.SICK, recording())
    assert {file.name for file in tmp_path.iterdir()} == {store.ANALYSIS, store.RECORDING}


def test_a_younger_field_takes_its_default(tmp_path: Path) -> None:
    store.save(tmp_path, reports.SICK, recording())
    tree = json.loads(gzip.decompress((tmp_path / store.ANALYSIS).read_bytes()))
    del tree["Report"]["command"]
    (tmp_path / store.ANALYSIS).write_bytes(gzip.compress(json.dumps(tree).encode()))
    assert not store.load_report(tmp_path).command


def test_refuses_another_version(tmp_path: Path) -> None:
    (tmp_path / store.ANALYSIS).write_bytes(gzip.compress(b'{"version": 99, "Report": {}}'))
    with pytest.raises(UsageError, match="another version"):
        store.load_report(tmp_path)


DAMAGED = gzip.compress(b"{}" * 100)[:14] + b"\xff" * 40


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b"[]"), DAMAGED]
)
def test_says_that_a_file_is_no_report(tmp_path: Path, content: bytes) -> None:
    (tmp_path / store.ANALYSIS).write_bytes(content)
    with pytest.raises(UsageError, match="is not a report"):
        store.load_report(tmp_path)


def test_says_that_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run in"):
        store.load_report(tmp_path / "nowhere")


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    folders = [store.new_run_folder(tmp_path, NOON_S) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() for folder in folders)


def test_git_does_not_see_the_runs(tmp_path: Path) -> None:
    folder = store.new_run_folder(tmp_path, NOON_S)
    assert (folder.parent / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_says_what_to_do_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / store.RUNS).write_text("a file in the way", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write to") as caught:
        store.new_run_folder(tmp_path, NOON_S)
    assert "directory that you may write to" in caught.value.remedy
