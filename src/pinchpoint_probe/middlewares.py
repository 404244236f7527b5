"""Time the links of a chain of middleware, those that take noticeable time of their own.

Most links of a chain do next to nothing, and a span for each would cost more than they do. So
each link keeps a mean of its own time, which is its time less that of the link inside, and has
spans while that is noticeable. The time of the others belongs to the framework.
"""

from pinchpoint_probe import patching, quiet, sites, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

NOTICEABLE_NS = 50_000
"""Of its own: some 20 times what a span costs."""
_MEMORY = 8
"""A request counts for 1/8 of the mean: a link that turns slow is noticed at once."""
_METHODS = ("__call__", "process_request", "process_view", "process_response", "__init__")


def timed(handler: "Any", middleware: "Any", *, is_async: bool) -> "Any":
    """Wrap one link.

    Args:
        handler: What is called with the request, or with scope, receive and send.
        middleware: The instance or the function; a bound method is the end of the chain.
        is_async: What the handler returns is awaited.
    """
    link = _Link(middleware)

    def call(*arguments: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return handler(*arguments)
        passage = link.begin(frame)
        try:
            return handler(*arguments)
        finally:
            link.end(frame, *passage)

    async def call_awaited(*arguments: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await handler(*arguments)
        passage = link.begin(frame)
        try:
            return await handler(*arguments)
        finally:
            link.end(frame, *passage)

    new = call_awaited if is_async else call
    new.__dict__.update(vars(handler))  # with its __wrapped__
    return new


def timed_stack(app: "Any", end: "Any") -> "Any":
    """Wrap the links of an ASGI application whose middleware have the next one as `app`.

    Args:
        app: The outermost middleware.
        end: The router, in which the chain ends.

    Returns:
        The outermost link; the application as it was if it is built in another way.
    """
    link = app
    try:
        while link is not end and "app" in vars(link):
            inner = vars(link)["app"]
            is_end = inner is end
            new = timed(inner, inner.__call__ if is_end else inner, is_async=True)
            patching.replace(link, "app", new)
            link = inner
        return timed(app, app, is_async=True)
    except Exception as error:
        quiet.note("middlewares", error)
        return app


class _Link:
    """What is known of a middleware: its name, its definition, and how long it takes."""

    __slots__ = ("_is_last", "_method", "_name", "_usual_ns")

    def __init__(self, middleware: "Any") -> None:
        self._is_last = hasattr(middleware, "__self__")
        # Starlette's BaseHTTPMiddleware around a function or a method of the application.
        middleware = getattr(middleware, "dispatch_func", middleware)
        self._method = _own_method(middleware)
        named = middleware if hasattr(middleware, "__qualname__") else type(middleware)
        self._name = f"{named.__module__}.{named.__qualname__}".partition(".<locals>")[0]
        self._usual_ns = 0 if self._is_last else NOTICEABLE_NS

    def begin(self, frame: spans.Frame) -> "tuple[int, spans.Open | None]":
        """Take the time, and open a span if the link has been slow or is new."""
        span = None
        if self._usual_ns >= NOTICEABLE_NS:
            span = self._enter(frame)
        return spans.now_ns(), span

    def _enter(self, frame: spans.Frame) -> "spans.Open | None":
        try:
            if self._method is None:
                return spans.enter(frame, wire.FRAMEWORK, self._name, site=0)
            site = sites.definition(self._method)
            return spans.enter(frame, wire.APP, self._name, site=site)
        except Exception as error:
            quiet.note("middlewares", error)
            return None

    def end(self, frame: spans.Frame, start_ns: int, span: "spans.Open | None") -> None:
        """Close the span, and learn how long the link itself has taken."""
        took_ns = spans.now_ns() - start_ns
        own_ns = took_ns - frame.request.inside_ns
        frame.request.inside_ns = took_ns
        if not self._is_last:
            self._usual_ns += (own_ns - self._usual_ns) // _MEMORY
        if span is not None:
            spans.leave(span)


def _own_method(middleware: "Any") -> "Any":
    """A method of the application's own middleware, to be its site; None for a library's."""
    for name in _METHODS:
        method = vars(type(middleware)).get(name)
        if method is not None and _is_own(sites.code_of(method)):
            return method
    return middleware if _is_own(sites.code_of(middleware)) else None


def _is_own(code: "CodeType | None") -> bool:
    return code is not None and sites.is_user_code(code)
