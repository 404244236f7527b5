"""ASGI: requests are recorded up to the last part of the body; nothing else is touched."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import reading
from running import TOKEN

from pinchpoint_probe import spans, state, wire
from pinchpoint_probe.entry import wrap_asgi

if TYPE_CHECKING:
    from pathlib import Path

TRACE = (b"x-pinchpoint", b"7-1234567890123")
START = {"type": "http.response.start", "status": 201, "headers": []}
END = {"type": "http.response.body", "body": b"answer"}


def scope_of(*headers: tuple[bytes, bytes], **more: Any) -> dict[str, Any]:
    scope = {"type": "http", "method": "GET", "path": "/items/1", "client": ("127.0.0.1", 1)}
    return scope | {"headers": [(b"host", b"x"), *headers]} | more


def call(app: Any, scope: dict[str, Any]) -> list[Any]:
    """Call as a server does; returns the messages that it is sent."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(wrap_asgi(app)(scope, receive, send))
    return sent


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send(START)
    await send(END)


def test_a_request_is_recorded(recorded: Path) -> None:
    assert call(answer, scope_of(TRACE)) == [START, END]
    (request,) = reading.requests(recorded)
    assert (request.trace, request.name, request.extra) == (7, "GET /items/1", 201)
    assert request.parent << 32 | request.span == 1234567890123


def test_the_application_does_not_see_the_header(recorded: Path) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])
        await answer(scope, receive, send)

    scope = scope_of(TRACE)
    call(app, scope)
    assert seen == [[(b"host", b"x")]]
    assert TRACE in scope["headers"]  # the server's own scope is not changed
    assert len(reading.requests(recorded)) == 1


def test_nothing_is_recorded_while_the_tool_does_not_want_it(recorded: Path) -> None:
    state.control[wire.CONTROL_RECORDING] = 0
    assert call(answer, scope_of(TRACE)) == [START, END]
    assert reading.requests(recorded) == []


@pytest.mark.parametrize("header", [b"", b"7", b"\xff-1", b"x-1"])
def test_a_header_that_is_not_ours_is_not_recorded(recorded: Path, header: bytes) -> None:
    assert call(answer, scope_of((b"x-pinchpoint", header))) == [START, END]
    assert reading.requests(recorded) == []


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_scopes_are_passed_on_as_they_are(recorded: Path, kind: str) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    scope = {"type": kind, "headers": [TRACE]}
    call(app, scope)
    assert seen[0][0] is scope
    assert reading.requests(recorded) == []


def test_a_request_ends_with_the_last_part_of_the_body(recorded: Path) -> None:
    counts = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(END | {"more_body": True})
        counts.append(len(reading.requests(recorded)))
        await send(END)
        counts.append(len(reading.requests(recorded)))

    call(app, scope_of(TRACE))
    assert counts == [0, 1]


@pytest.mark.parametrize(
    ("headers", "is_finished"), [([(b"Content-Length", b"6")], True), ([], False)]
)
def test_a_request_ends_when_the_announced_body_is_complete(
    recorded: Path, headers: list[tuple[bytes, bytes]], *, is_finished: bool
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({**START, "headers": headers})
        await send({**END, "more_body": True})
        assert bool(reading.requests(recorded)) is is_finished
        await send({"type": "http.response.body", "body": b""})

    call(app, scope_of(TRACE))
    assert len(reading.requests(recorded)) == 1


def test_an_exception_is_passed_on_and_recorded_as_500(recorded: Path) -> None:
    async def app(*_: Any) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        call(app, scope_of(TRACE))
    assert [request.extra for request in reading.requests(recorded)] == [500]


def test_concurrent_requests_keep_their_own_frames(recorded: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        before = spans.active()
        await asyncio.sleep(0)
        assert spans.active() is before
        await asyncio.create_task(answer(scope, receive, send))

    async def send(_: Any) -> None:
        await asyncio.sleep(0)

    async def all_of_them() -> None:
        headers = [(b"x-pinchpoint", f"{trace}-1".encode()) for trace in range(1, 6)]
        calls = [wrap_asgi(app)(scope_of(header), None, send) for header in headers]
        await asyncio.gather(*calls)

    asyncio.run(all_of_them())
    assert sorted(request.trace for request in reading.requests(recorded)) == [1, 2, 3, 4, 5]


def test_a_command_is_answered_instead_of_the_application(recorded: Path) -> None:
    command = (b"x-pinchpoint-command", f"{TOKEN} state %7B%7D".encode())
    start, end = call(answer, scope_of(command))
    assert start["status"] == 200
    assert (b"content-length", str(len(end["body"])).encode()) in start["headers"]
    assert "hooked" in json.loads(end["body"])
    assert reading.requests(recorded) == []


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("token", "client"), [("wrong", "127.0.0.1"), (TOKEN, "192.0.2.1"), ("", "127.0.0.1")]
)
def test_a_stranger_gets_the_applications_answer(token: str, client: str) -> None:
    command = (b"x-pinchpoint-command", f"{token} state".encode())
    assert call(answer, scope_of(command, client=(client, 1))) == [START, END]


@pytest.mark.usefixtures("recorded")
def test_a_client_on_a_unix_socket_is_on_this_machine() -> None:
    command = (b"x-pinchpoint-command", f"{TOKEN} state".encode())
    assert call(answer, scope_of(command, client=None))[0]["status"] == 200
