from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pinchpoint.model.span import Category
from pinchpoint.observe.stream import Reader
from pinchpoint_probe import wire
from pinchpoint_probe.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _span(sink: Sink, trace: int, name: str = "SELECT 1", flags: int = 0) -> None:
    text = sink.text(name)
    sink.write(wire.SPAN, wire.SQL, flags, trace, 10, 20, 1, 0, text, sink.text("a.py:3:f"), 5, 0)


def _request(sink: Sink, trace: int, intended_ns: int = 0) -> None:
    low, high = intended_ns & 0xFFFFFFFF, intended_ns >> 32
    name = sink.text("GET /a")
    sink.write(wire.REQUEST, wire.FRAMEWORK, 0, trace, 5, 30, low, high, name, 0, 7, 200)


@pytest.fixture
def sink(tmp_path: Path) -> Sink:
    return Sink(str(tmp_path))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with closing(Reader(tmp_path)) as reader:
        yield reader


def test_what_was_written_is_read(sink: Sink, reader: Reader) -> None:
    _span(sink, 3, flags=wire.BLOCKED_LOOP)
    _request(sink, 3, intended_ns=(1 << 40) + 7)
    (trace,) = reader.collect().traces
    assert (trace.trace_id, trace.endpoint, trace.status) == (3, "GET /a", 200)
    assert (trace.intended_ns, trace.cpu_ns) == ((1 << 40) + 7, 7000)
    (span,) = trace.spans
    assert (span.category, span.name, span.site) == (Category.SQL, "SELECT 1", "a.py:3:f")
    assert span.is_blocking_loop
    assert not span.has_failed


def test_each_record_is_read_once(sink: Sink, reader: Reader) -> None:
    _request(sink, 1)
    reader.skip()
    _request(sink, 2)
    assert [trace.trace_id for trace in reader.collect().traces] == [2]
    assert reader.collect().traces == ()


def test_spans_that_are_read_before_their_request_ends_are_kept(sink: Sink, reader: Reader) -> None:
    _span(sink, 3)
    assert reader.collect().traces == ()
    _request(sink, 3)
    (trace,) = reader.collect().traces
    assert [span.name for span in trace.spans] == ["SELECT 1"]


def test_a_reader_that_is_overtaken_counts_what_it_lost(
    sink: Sink, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "RING_CAPACITY", 8)
    for trace in range(1, 12):
        _request(sink, trace)
    records = reader.collect()
    assert records.lost == 3
    assert [trace.trace_id for trace in records.traces] == list(range(4, 12))


def test_a_hold_names_its_resource(sink: Sink, reader: Reader) -> None:
    sink.write(wire.HOLD, 0, 0, 9, 1, 4, 0, 0, sink.text("pool 5+0"), 0, -1, 0)
    (hold,) = reader.collect().holds
    assert (hold.resource, hold.trace_id, hold.start_ns, hold.end_ns) == ("pool 5+0", 9, 1, 4)


def test_a_full_table_of_texts_loses_names_but_not_records(
    sink: Sink, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinchpoint_probe.sink._MOST_TEXTS", 1)
    _request(sink, 1)
    _span(sink, 1)
    (trace,) = reader.collect().traces
    assert trace.endpoint == "GET /a"
