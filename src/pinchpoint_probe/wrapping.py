"""Replace a function of a library by one that opens a span around it."""

from pinchpoint_probe import patching, sites, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def around(
    owner: "Any", name: str, category: int, label: "Callable[..., str] | None" = None
) -> None:
    """Open a span around `owner.name`, unless one of the same category is open already.

    Args:
        owner: A module or a class.
        name: Of a function or a method, not of a coroutine function.
        category: One of wire's categories.
        label: From the call's arguments to the span's name; without it, the function's name.
    """
    default = getattr(getattr(owner, name), "__qualname__", name)

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None or frame.category == category:
            return original(*args, **kwargs)
        span = spans.enter(frame, category, label(*args, **kwargs) if label else default)
        return run(span, original, *args, **kwargs)

    original = patching.replace(owner, name, call)


def around_awaited(owner: "Any", name: str, category: int) -> None:
    """As `around`, for a coroutine function."""
    default = getattr(getattr(owner, name), "__qualname__", name)

    async def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None or frame.category == category:
            return await original(*args, **kwargs)
        span = spans.enter(frame, category, default)
        return await run_awaited(span, original, *args, **kwargs)

    original = patching.replace(owner, name, call)


def run(
    span: spans.Open, function: "Callable[..., Any]", /, *args: "Any", **kwargs: "Any"
) -> "Any":
    """Call a function inside a span and end it."""
    flags = wire.FAILED
    try:
        result = function(*args, **kwargs)
        flags = 0
        return result
    finally:
        spans.leave(span, flags=flags)


async def run_awaited(
    span: spans.Open, function: "Callable[..., Any]", /, *args: "Any", **kwargs: "Any"
) -> "Any":
    """Await a function inside a span and end it."""
    flags = wire.FAILED
    try:
        result = await function(*args, **kwargs)
        flags = 0
        return result
    finally:
        spans.leave(span, flags=flags)


def enter_app(frame: spans.Frame, function: "Any") -> spans.Open:
    """Open the span of a function of the application; its site is its definition."""
    return spans.enter(frame, wire.APP, name_of(function), site=sites.definition(function))


def name_of(function: "Any") -> str:
    """The function's name with its class, or the class of a callable that is not Python."""
    code = sites.code_of(function)
    if code is None:
        return type(function).__name__
    return getattr(code, "co_qualname", code.co_name)  # 3.11 and up


def in_thread(frame: spans.Frame, function: "Any") -> "Callable[..., Any]":
    """Make of a function that is handed to a pool one that records its wait for a thread.

    A pool of `concurrent.futures` does not hand on the context, so that `current` is set
    there; nothing else of the context is, as that could change what the application sees.
    """
    submitted_ns = spans.now_ns()
    code = sites.code_of(function)
    is_own = code is not None and sites.is_user_code(code)

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        token = spans.current.set(frame)
        try:
            spans.leaf(frame, wire.EXECUTOR, name_of(function), submitted_ns)
            if is_own:
                return run(enter_app(frame, function), function, *args, **kwargs)
            return function(*args, **kwargs)
        finally:
            spans.current.reset(token)

    return call
