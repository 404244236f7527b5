"""Spans: they nest, and ending one where it did not begin is not noticed."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

import pytest
import reading

from pinchpoint_probe import patching, spans, wire, wrapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def frame() -> Iterator[spans.Frame]:
    frame = spans.begin(7, 1)
    token = spans.current.set(frame)
    yield frame
    spans.current.reset(token)


def test_a_span_is_the_parent_of_those_inside(recorded: Path, frame: spans.Frame) -> None:
    outer = spans.enter(frame, wire.APP, "outer")
    inner = spans.active()
    assert inner is not None
    spans.leaf(inner, wire.SQL, "select 1", spans.now_ns(), rows=3)
    spans.leave(outer)
    sql, app = reading.spans(recorded)
    assert (sql.parent, app.parent, sql.rows) == (app.span, 0, 3)
    assert spans.active() is frame


def test_a_number_of_rows_that_does_not_fit_is_the_largest(
    recorded: Path, frame: spans.Frame
) -> None:
    spans.leaf(frame, wire.SQL, "copy", spans.now_ns(), rows=1 << 40)
    assert [span.rows for span in reading.spans(recorded)] == [wire.MOST_ROWS]


def test_a_span_may_end_in_another_thread(recorded: Path, frame: spans.Frame) -> None:
    span = spans.enter(frame, wire.APP, "view")
    thread = threading.Thread(target=spans.leave, args=(span,))
    thread.start()
    thread.join()
    assert len(reading.spans(recorded)) == 1


def test_a_span_that_ends_in_a_copied_context_is_closed_there(
    recorded: Path, frame: spans.Frame
) -> None:
    span = spans.enter(frame, wire.APP, "view")

    def leave() -> spans.Frame | None:
        spans.leave(span)
        return spans.active()

    assert contextvars.copy_context().run(leave) is frame
    assert len(reading.spans(recorded)) == 1
    spans.leave(span)


def test_a_span_may_end_twice(recorded: Path, frame: spans.Frame) -> None:
    span = spans.enter(frame, wire.APP, "view")
    spans.leave(span)
    spans.leave(span)
    assert spans.active() is frame
    assert len(reading.spans(recorded)) == 2


class Library:
    """Something to patch."""

    def render(self, depth: int) -> int:
        """Render."""
        return self.render(depth - 1) if depth else 1


@pytest.fixture
def library() -> Iterator[type[Library]]:
    before = patching.mark()
    wrapping.around(Library, "render", wire.TEMPLATE)
    yield Library
    patching.restore(before)


def test_of_nested_calls_the_outermost_is_recorded(
    recorded: Path, frame: spans.Frame, library: type[Library]
) -> None:
    assert frame.request.trace_id == 7
    assert library().render(3) == 1
    assert [span.name for span in reading.spans(recorded)] == ["Library.render"]


def test_outside_of_a_request_nothing_is_recorded(recorded: Path, library: type[Library]) -> None:
    assert library().render(3) == 1
    assert reading.spans(recorded) == []


def test_a_replacement_looks_like_what_it_replaces(library: type[Library]) -> None:
    assert library.render.__doc__ == "Render."
    assert library.render.__qualname__ == "Library.render"


def test_a_change_can_be_undone() -> None:
    before, mark = Library.render, patching.mark()
    wrapping.around(Library, "render", wire.TEMPLATE)
    patching.add(Library, "extra", 1)
    assert Library.render is not before
    patching.restore(mark)
    assert Library.render is before
    assert not hasattr(Library, "extra")
