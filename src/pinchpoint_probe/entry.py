"""Where the server calls the application: requests begin and end here, commands are answered."""

import os
import sys
from _thread import get_ident
from time import thread_time_ns

from pinchpoint_probe import patching, pauses, postimport, spans, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_WSGI_TRACE = "HTTP_" + wire.TRACE_HEADER.upper().replace("-", "_")
_WSGI_COMMAND = "HTTP_" + wire.COMMAND_HEADER.upper().replace("-", "_")
_ASGI_TRACE = wire.TRACE_HEADER.encode()
_ASGI_COMMAND = wire.COMMAND_HEADER.encode()
_SERVERS_IN_C = ("uwsgi", "mod_wsgi")
"""Modules that these servers make before they load the application."""


def wrap_wsgi(app: "Any") -> "Any":
    """Wrap a WSGI application; what it answers stays the same."""
    _prepare()

    def entry(environ: "dict[str, Any]", start_response: "Any") -> "Iterable[bytes]":
        return _serve(app, environ, start_response)

    return entry


def wrap_class(kind: "Any") -> None:
    """Begin requests where a framework is called, if a server calls it that no hook can reach.

    What the application has wrapped around it is seen as waiting for the server then.

    Args:
        kind: A class of WSGI applications.
    """
    if sys.modules.keys().isdisjoint(_SERVERS_IN_C):
        return
    _prepare()

    def call(self: "Any", environ: "dict[str, Any]", start_response: "Any") -> "Iterable[bytes]":
        return _serve(original.__get__(self), environ, start_response)

    original = patching.replace(kind, "__call__", call)


def _prepare() -> None:
    """The application has been imported as a rule; it is called next."""
    pauses.watch()
    postimport.catch_up()


def _serve(app: "Any", environ: "dict[str, Any]", start_response: "Any") -> "Iterable[bytes]":
    header = environ.pop(_WSGI_TRACE, None)
    command = environ.pop(_WSGI_COMMAND, None)
    if header is not None and state.is_recording():
        frame = _begin(header)
        if frame is not None:
            return _record(_Call(frame, environ), app, environ, start_response)
    elif command is not None:
        answer = _answer(command, environ.get("REMOTE_ADDR", ""), app, "wsgi")
        if answer is not None:
            start_response(
                "200 OK",
                [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))],
            )
            return [answer]
    return app(environ, start_response)  # type: ignore[no-any-return]


def _begin(header: str) -> "spans.Frame | None":
    """Begin the request that a trace header announces; None if it is not one of ours."""
    trace, _, intended = header.partition("-")
    if not (trace.isdecimal() and intended.isdecimal()):
        return None
    if os.getpid() != state.sink.pid:  # forked by C, which runs no handlers of Python
        state.sink.reset()
    return spans.begin(int(trace) & 0xFFFFFFFFFFFFFFFF, int(intended) & 0xFFFFFFFFFFFFFFFF)


class _Call:
    """One recorded request of a WSGI application."""

    __slots__ = ("cpu_start_ns", "frame", "is_finished", "path", "status", "thread")

    def __init__(self, frame: spans.Frame, environ: "dict[str, Any]") -> None:
        self.frame = frame
        self.path = f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
        self.status = "500"
        self.is_finished = False
        self.thread = get_ident()
        self.cpu_start_ns = thread_time_ns()

    def finish(self) -> None:
        if not self.is_finished:
            self.is_finished = True
            is_same = self.thread == get_ident()  # a server may stream from another thread
            cpu_ns = thread_time_ns() - self.cpu_start_ns if is_same else 0
            spans.finish(self.frame.request, self.path, _status(self.status), cpu_ns)


def _status(line: str) -> int:
    number = str(line)[:3]
    return int(number) if number.isdecimal() else 0


def _record(
    call: _Call, app: "Any", environ: "dict[str, Any]", start_response: "Any"
) -> "Iterable[bytes]":
    def started(status: str, *rest: "Any") -> "Any":
        call.status = status
        return start_response(status, *rest)

    token = spans.current.set(call.frame)
    try:
        body: Iterable[bytes] = app(environ, started)
    except BaseException:
        call.finish()
        raise
    finally:
        spans.current.reset(token)
    file_wrapper = environ.get("wsgi.file_wrapper")
    is_file = isinstance(file_wrapper, type) and isinstance(body, file_wrapper)
    if is_file or hasattr(body, "__len__"):
        call.finish()  # nothing is left to compute, and servers treat these two by their type
        return body
    return _Body(call, body)


class _Body:
    """A streamed body: the request ends with its last part, or when it is closed before."""

    def __init__(self, call: _Call, body: "Iterable[bytes]") -> None:
        self._call = call
        self._body = body
        self._parts: Iterator[bytes] | None = None
        if hasattr(body, "close"):
            self.close = self._close

    def __iter__(self) -> "Iterator[bytes]":
        return self

    def __next__(self) -> bytes:
        token = spans.current.set(self._call.frame)
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        except BaseException:
            self._call.finish()
            raise
        finally:
            spans.current.reset(token)

    def _close(self) -> None:
        token = spans.current.set(self._call.frame)
        try:
            self._body.close()  # type: ignore[attr-defined]
        finally:
            spans.current.reset(token)
            self._call.finish()


def wrap_asgi(app: "Any") -> "Any":
    """Wrap an ASGI application (version 3); what it answers stays the same."""
    _prepare()

    async def entry(scope: "Any", receive: "Any", send: "Any") -> None:
        header = command = None
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == _ASGI_TRACE:
                    header = value.decode("latin-1")
                elif name == _ASGI_COMMAND:
                    command = value.decode("latin-1")
        if header is None and command is None:
            await app(scope, receive, send)
            return
        ours = (_ASGI_TRACE, _ASGI_COMMAND)
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in ours]}
        if header is None:
            await _answer_or_call(command or "", app, scope, receive, send)
        elif state.is_recording() and (frame := _begin(header)) is not None:
            await _record_awaited(frame, app, scope, receive, send)
        else:
            await app(scope, receive, send)

    return entry


async def _record_awaited(
    frame: spans.Frame, app: "Any", scope: "Any", receive: "Any", send: "Any"
) -> None:
    status = 500
    is_finished = False
    remaining_bytes = -1
    path = f"{scope['method']} {scope['path']}"

    async def recorded(message: "Any") -> None:
        nonlocal status, is_finished, remaining_bytes
        await send(message)
        kind = message["type"]
        if kind == "http.response.start":
            status = message["status"]
            remaining_bytes = _content_length(message.get("headers", ()))
        elif kind == "http.response.body" and not is_finished:
            remaining_bytes -= len(message.get("body", b""))
            # Starlette's BaseHTTPMiddleware sends an empty part after all: the client is gone then.
            if remaining_bytes == 0 or not message.get("more_body"):
                is_finished = True
                spans.finish(frame.request, path, status)

    token = spans.current.set(frame)
    try:
        await app(scope, receive, recorded)
    finally:
        spans.current.reset(token)
        if not is_finished:
            spans.finish(frame.request, path, status)


def _content_length(headers: "Iterable[Any]") -> int:
    """How long the body will be; -1 if it is not said."""
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return -1


async def _answer_or_call(
    command: str, app: "Any", scope: "Any", receive: "Any", send: "Any"
) -> None:
    import asyncio

    client = scope.get("client") or ("",)
    loop = asyncio.get_running_loop()
    # In a thread: the loop stays free, and a command may run a loop of its own.
    answer = await loop.run_in_executor(None, _answer, command, client[0], app, "asgi")
    if answer is None:
        await app(scope, receive, send)
        return
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _answer(command: str, client: str, app: "Any", interface: str) -> "bytes | None":
    from pinchpoint_probe import commands

    return commands.answer(command, client, app, interface)
