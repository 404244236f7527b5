"""The request that this code is part of, and the spans inside it.

A hook does three things: ask `active()` for the frame (None: do nothing), take the clock
before and after, and call `leaf` (nothing of interest happens inside) or `enter`/`leave`.
None of them raises: what goes wrong in here is noted, and the application runs on.
"""

import itertools
import sys
import time
from _contextvars import ContextVar

from pinchpoint_probe import quiet, sites, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

now_ns = time.perf_counter_ns
"""CLOCK_MONOTONIC on Linux and macOS: the same clock in all processes."""


class Request:
    """One request inside the application.

    Attributes:
        trace_id: The client's number for it.
        intended_ns: The intended start that the client sent along.
        endpoint: As the framework resolved it; empty until then.
        mounted_at: Template of the path that the router inside was mounted at.
        start_ns: When the server called the application.
        refusals: Writes and outbound calls that were refused.
        inside_ns: Time of the innermost link of the middleware's chain that has ended.
    """

    __slots__ = (
        "endpoint",
        "inside_ns",
        "intended_ns",
        "mounted_at",
        "refusals",
        "start_ns",
        "trace_id",
    )

    def __init__(self, trace_id: int, intended_ns: int, start_ns: int) -> None:
        self.trace_id = trace_id
        self.intended_ns = intended_ns
        self.endpoint = ""
        self.mounted_at = ""
        self.start_ns = start_ns
        self.refusals = 0
        self.inside_ns = 0


class Frame:
    """Where new spans belong: a request and the span that is open in it (0: the request)."""

    __slots__ = ("category", "request", "span_id")

    def __init__(self, request: Request, span_id: int, category: int) -> None:
        self.request = request
        self.span_id = span_id
        self.category = category


current: "ContextVar[Frame | None]" = ContextVar("pinchpoint", default=None)
active = current.get
"""The frame of the request that is being recorded; None outside of one."""

_span_ids: "Iterator[int]" = itertools.count(1)


def begin(trace_id: int, intended_ns: int) -> Frame:
    """Begin a request; the caller sets `current` to the frame and resets it at the end."""
    return Frame(Request(trace_id, intended_ns, now_ns()), 0, wire.FRAMEWORK)


def finish(request: Request, path: str, status: int, cpu_ns: int = 0) -> None:
    """Record a request that has been answered.

    Args:
        request: The request.
        path: `METHOD /path`, used if no framework named the endpoint.
        status: HTTP status.
        cpu_ns: CPU time of its thread; 0 if unknown.
    """
    intended = request.intended_ns
    try:
        state.sink.write(
            wire.REQUEST,
            wire.FRAMEWORK,
            wire.REFUSED if request.refusals else 0,
            request.trace_id,
            request.start_ns,
            now_ns(),
            intended & 0xFFFFFFFF,
            intended >> 32,
            state.sink.text(request.endpoint or path),
            0,
            min(cpu_ns // 1000, 0x7FFFFFFF),
            status,
        )
    except Exception as error:
        quiet.note("spans", error)


def leaf(  # noqa: PLR0913, PLR0917  # called positionally, on the hot path
    frame: Frame,
    category: int,
    name: str,
    start_ns: int,
    rows: int = -1,
    flags: int = 0,
    depth: int = 2,
) -> None:
    """Record an operation that ends now and contains no other span.

    Args:
        frame: From `active()`.
        category: One of wire's categories.
        name: Statement, URL without query, or function.
        start_ns: When it began.
        rows: Rows or bytes; -1 if unknown.
        flags: Of wire.
        depth: Stack levels above this function at which to begin to look for user code.
    """
    end_ns = now_ns()
    sink = state.sink
    try:
        sink.write(
            wire.SPAN,
            category,
            flags,
            frame.request.trace_id,
            start_ns,
            end_ns,
            next(_span_ids) & 0xFFFFFFFF,
            frame.span_id,
            sink.text(name),
            sites.site(depth),
            min(rows, wire.MOST_ROWS),
            0,
        )
    except Exception as error:
        quiet.note("spans", error)


class Open:
    """A span that is open and contains others; made by `enter`, ended by `leave`."""

    __slots__ = ("frame", "name", "parent_id", "site", "start_ns", "token")

    frame: Frame
    name: str
    parent_id: int
    site: int
    start_ns: int
    token: "Token[Frame | None]"


def enter(
    frame: Frame, category: int, name: str, depth: int = 2, site: "int | None" = None
) -> Open:
    """Open a span that contains others, in this thread or task.

    Args:
        frame: From `active()`.
        category: One of wire's categories.
        name: As for `leaf`.
        depth: As for `leaf`.
        site: A text id of `sites`, if the user's code is not to be looked for.
    """
    span = Open()
    span.parent_id = frame.span_id
    span.name = name
    try:
        span.site = sites.site(depth) if site is None else site
    except Exception as error:
        span.site = 0
        quiet.note("spans", error)
    span.frame = Frame(frame.request, next(_span_ids) & 0xFFFFFFFF, category)
    span.token = current.set(span.frame)
    span.start_ns = now_ns()
    return span


def leave(span: Open, rows: int = -1, flags: int = 0) -> None:
    """Record an open span; it ends now, as a rule in the thread or task that opened it."""
    end_ns = now_ns()
    drop(span)
    frame = span.frame
    sink = state.sink
    try:
        sink.write(
            wire.SPAN,
            frame.category,
            flags,
            frame.request.trace_id,
            span.start_ns,
            end_ns,
            frame.span_id,
            span.parent_id,
            sink.text(span.name),
            span.site,
            min(rows, wire.MOST_ROWS),
            0,
        )
    except Exception as error:
        quiet.note("spans", error)


def drop(span: Open) -> None:
    """Close an open span without a record: one that is too short to be worth it.

    Spans inside it lose their parent and count as the request's own.
    """
    try:
        current.reset(span.token)
    except (RuntimeError, ValueError):  # ended twice, or in a context that is not its own
        if current.get() is span.frame:  # but a copy of it
            current.set(span.token.old_value)


def hold(trace_id: int, resource: str, start_ns: int, site: int) -> None:
    """Record that a request held a limited resource until now (0: nobody known)."""
    sink = state.sink
    try:
        sink.write(
            wire.HOLD, 0, 0, trace_id, start_ns, now_ns(), 0, 0, sink.text(resource), site, -1, 0
        )
    except Exception as error:
        quiet.note("spans", error)


def is_on_loop() -> bool:
    """Whether this thread runs an event loop at this moment, so that blocking stops others."""
    asyncio = sys.modules.get("_asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001
