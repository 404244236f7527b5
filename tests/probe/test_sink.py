"""Records and texts: what is written can be read, and nothing blocks or grows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import reading
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinchpoint_probe import sink as sinks
from pinchpoint_probe import wire
from pinchpoint_probe.sink import Sink

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def write(sink: Sink, trace: int, name: str = "") -> None:
    sink.write(wire.SPAN, wire.SQL, 0, trace, 1, 2, 3, 4, sink.text(name), 0, -1, 0)


def test_a_record_can_be_read(tmp_path: Path) -> None:
    write(Sink(str(tmp_path)), 7, "select 1")
    (record,) = reading.read_records(tmp_path)
    assert (record.trace, record.name, record.category) == (7, "select 1", "sql")
    assert (record.start_ns, record.end_ns, record.span, record.parent) == (1, 2, 3, 4)
    assert record.rows == -1


def test_an_idle_process_has_no_files(tmp_path: Path) -> None:
    Sink(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_threads_do_not_overwrite_each_other(tmp_path: Path) -> None:
    sink = Sink(str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        for trace in range(2000):
            pool.submit(write, sink, trace, f"text {trace % 50}")
    records = reading.read_records(tmp_path)
    assert sorted(record.trace for record in records) == list(range(2000))
    assert all(record.name == f"text {record.trace % 50}" for record in records)


def test_the_oldest_record_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "RING_CAPACITY", 4)
    sink = Sink(str(tmp_path))
    for trace in range(5):
        write(sink, trace)
    assert [record.trace for record in reading.read_records(tmp_path)] == [4, 1, 2, 3]


def test_a_full_table_of_texts_gives_the_empty_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "_MOST_TEXTS", 2)
    sink = Sink(str(tmp_path))
    assert [sink.text(text) for text in "abca"] == [1, 2, 0, 1]


def test_a_text_that_would_not_fit_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "STRINGS_BYTES", wire.HEADER_BYTES + 10)
    sink = Sink(str(tmp_path))
    assert [sink.text("123456"), sink.text("x")] == [1, 0]


def test_a_folder_that_cannot_be_written_is_not_noticed(tmp_path: Path) -> None:
    write(Sink(str(tmp_path / "absent")), 1, "text")
    assert not list(tmp_path.iterdir())


@given(texts=st.lists(st.text(max_size=40)))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25, deadline=None)
def test_every_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("sink")
    sink = Sink(str(folder))
    ids = [sink.text(text) for text in texts]
    if any(ids):
        (file,) = folder.glob("*.strings")
        read = reading.read_texts(file)
        assert [read[number] for number in ids] == texts


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    write(Sink(str(tmp_path)), 1, "x" * (wire.LONGEST_TEXT_BYTES + 1))
    (record,) = reading.read_records(tmp_path)
    assert len(record.name) == wire.LONGEST_TEXT_BYTES
