"""WSGI: requests are recorded from call to last part, and the application notices nothing."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
import reading
from running import TOKEN

from pinchpoint_probe import spans, state, wire
from pinchpoint_probe.entry import wrap_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TRACE = "HTTP_X_PINCHPOINT"
COMMAND = "HTTP_X_PINCHPOINT_COMMAND"


def call(app: Any, **environ: Any) -> tuple[Any, list[Any]]:
    """Call as a server does, up to the body; returns it and what start_response was given."""
    environ.setdefault("PATH_INFO", "/items/1")
    setup_testing_defaults(environ)
    started: list[Any] = []
    return wrap_wsgi(app)(environ, lambda *line: started.append(line)), started


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("201 Created", [("X-Seen", str(TRACE in environ))])
    return [b"answer"]


def test_a_request_is_recorded(recorded: Path) -> None:
    body, started = call(answer, **{TRACE: "7-1234567890123"})
    assert (body, started) == ([b"answer"], [("201 Created", [("X-Seen", "False")])])
    (request,) = reading.requests(recorded)
    assert (request.trace, request.name, request.extra) == (7, "GET /items/1", 201)
    assert request.parent << 32 | request.span == 1234567890123
    assert request.rows >= 0


@pytest.mark.parametrize("header", ["", "7", "x-1", "7-x", "-1-1", "7-1-1", "\xb9-\xb2"])
def test_a_header_that_is_not_ours_is_not_recorded(recorded: Path, header: str) -> None:
    body, _ = call(answer, **{TRACE: header})
    assert body == [b"answer"]
    assert reading.requests(recorded) == []


def test_nothing_is_recorded_while_the_tool_does_not_want_it(recorded: Path) -> None:
    state.control[wire.CONTROL_RECORDING] = 0
    body, started = call(answer, **{TRACE: "7-1"})
    assert body == [b"answer"]
    assert started[0][1] == [("X-Seen", "False")]
    assert reading.requests(recorded) == []


def test_a_list_is_passed_on_as_it_is() -> None:
    body = [b"a", b"b"]
    assert call(lambda *_: body)[0] is body


def test_a_recorded_list_is_passed_on_as_it_is(recorded: Path) -> None:
    body = [b"a", b"b"]
    assert call(lambda *_: body, **{TRACE: "7-1"})[0] is body
    assert len(reading.requests(recorded)) == 1


def test_a_file_is_passed_on_as_it_is(recorded: Path) -> None:
    with (recorded / "file").open("w+b") as file:
        body = FileWrapper(file)
        environ = {TRACE: "7-1", "wsgi.file_wrapper": FileWrapper}
        assert call(lambda *_: body, **environ)[0] is body
    assert len(reading.requests(recorded)) == 1


def test_a_stream_ends_with_its_last_part(recorded: Path) -> None:
    body, _ = call(lambda *_: iter([b"a", b"b"]), **{TRACE: "7-1"})
    assert next(iter(body)) == b"a"
    assert reading.requests(recorded) == []
    assert list(body) == [b"b"]
    assert len(reading.requests(recorded)) == 1


class Stream:
    """A body that counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        frame = spans.active()
        yield b"recorded" if frame else b"not recorded"

    def close(self) -> None:
        self.closed += 1


def test_a_stream_is_closed_once(recorded: Path) -> None:
    stream = Stream()
    body, _ = call(lambda *_: stream, **{TRACE: "7-1"})
    assert list(body) == [b"a", b"recorded"]
    body.close()
    assert stream.closed == 1
    assert len(reading.requests(recorded)) == 1


def test_a_stream_that_is_closed_early_ends_there(recorded: Path) -> None:
    body, _ = call(lambda *_: Stream(), **{TRACE: "7-1"})
    next(body)
    body.close()
    assert len(reading.requests(recorded)) == 1


def test_a_generator_is_closed(recorded: Path) -> None:
    closed = []

    def app(*_: Any) -> Iterator[bytes]:
        try:
            yield b"a"
        finally:
            closed.append(spans.active() is not None)

    body, _ = call(app, **{TRACE: "7-1"})
    next(body)
    body.close()
    assert closed == [True]
    assert len(reading.requests(recorded)) == 1


@pytest.mark.usefixtures("recorded")
def test_a_body_without_close_gets_none() -> None:
    body, _ = call(lambda *_: iter([b"a"]), **{TRACE: "7-1"})
    assert not hasattr(body, "close")


def test_a_stream_may_be_sent_by_another_thread(recorded: Path) -> None:
    body, _ = call(lambda *_: Stream(), **{TRACE: "7-1"})
    parts: list[bytes] = []
    thread = threading.Thread(target=lambda: parts.extend(body))
    thread.start()
    thread.join()
    assert parts == [b"a", b"recorded"]
    (request,) = reading.requests(recorded)
    assert request.rows == 0  # no CPU time is known


def test_an_exception_is_passed_on_and_recorded_as_500(recorded: Path) -> None:
    def fail(*_: Any) -> list[bytes]:
        raise LookupError

    with pytest.raises(LookupError):
        call(fail, **{TRACE: "7-1"})
    assert [request.extra for request in reading.requests(recorded)] == [500]
    assert spans.active() is None


def test_an_exception_in_a_stream_is_passed_on(recorded: Path) -> None:
    def fail(*_: Any) -> Iterator[bytes]:
        yield b"a"
        raise LookupError

    body, _ = call(fail, **{TRACE: "7-1"})
    next(body)
    with pytest.raises(LookupError):
        next(body)
    assert len(reading.requests(recorded)) == 1
    assert spans.active() is None


def test_start_response_gets_all_that_it_was_given_and_returns_write(recorded: Path) -> None:
    written: list[bytes] = []

    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("500 Oh", [], (None, None, None))(b"x")
        return []

    environ: dict[str, Any] = {TRACE: "7-1"}
    setup_testing_defaults(environ)
    seen = []

    def start_response(*line: Any) -> Any:
        seen.append(line)
        return written.append

    wrap_wsgi(app)(environ, start_response)
    assert seen == [("500 Oh", [], (None, None, None))]
    assert written == [b"x"]
    assert len(reading.requests(recorded)) == 1


def test_no_frame_is_left_behind(recorded: Path) -> None:
    call(lambda *_: Stream(), **{TRACE: "7-1"})
    assert spans.active() is None
    assert reading.requests(recorded) == []


def command(token: str, text: str = "state") -> dict[str, Any]:
    return {COMMAND: f"{token} {text}", "REMOTE_ADDR": "127.0.0.1"}


def test_a_command_is_answered_instead_of_the_application(recorded: Path) -> None:
    body, started = call(answer, **command(TOKEN))
    assert recorded.exists()
    assert started[0][0] == "200 OK"
    assert {"pid", "python", "hooked", "failures"} <= json.loads(body[0]).keys()


@pytest.mark.parametrize(
    "environ",
    [
        command("wrong"),
        command(""),
        command(TOKEN[:-1]),
        command(TOKEN) | {"REMOTE_ADDR": "192.0.2.1"},
        {COMMAND: ""},
    ],
)
@pytest.mark.usefixtures("recorded")
def test_a_stranger_gets_the_applications_answer(environ: dict[str, Any]) -> None:
    seen = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(COMMAND in environ)
        return answer(environ, start_response)

    assert call(app, **environ)[0] == [b"answer"]
    assert seen == [False]


def test_without_a_token_nobody_is_answered(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "token", "")
    assert recorded.exists()
    assert call(answer, **command(""))[0] == [b"answer"]


@pytest.mark.parametrize("text", ["nonsense", "state {", "state %7B%22x%22%3A1%7D", "sample"])
@pytest.mark.usefixtures("recorded")
def test_a_command_that_fails_says_so(text: str) -> None:
    body, _ = call(answer, **command(TOKEN, text))
    assert json.loads(body[0])["error"].startswith(text.partition(" ")[0])
