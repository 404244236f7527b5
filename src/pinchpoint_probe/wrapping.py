"""Replace a function of a library by one that opens a span around it."""

from pinchpoint_probe import patching, quiet, sites, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


NOTICEABLE_NS = 50_000
"""A short call below this is left to its caller: the record would cost a good part of it."""


def around(
    owner: "Any",
    name: str,
    category: int,
    label: "Callable[..., str] | str | None" = None,
    *,
    is_blocking: bool = False,
) -> None:
    """Open a span around `owner.name`, unless one of the same category is open already.

    Args:
        owner: A module or a class.
        name: Of a function or a method, not of a coroutine function.
        category: One of wire's categories.
        label: The span's name, or from the call's arguments to it; else the function's name.
        is_blocking: It keeps its thread, and so the event loop that may run in it.
    """
    default = _default(owner, name, label)
    ask = label if callable(label) else None
    run_it = run_blocking if is_blocking else run

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None or frame.category == category:
            return original(*args, **kwargs)
        text = default if ask is None else labelled(ask, default, args, kwargs)
        return run_it(spans.enter(frame, category, text), original, *args, **kwargs)

    original = patching.replace(owner, name, call)


def around_awaited(
    owner: "Any", name: str, category: int, label: "Callable[..., str] | str | None" = None
) -> None:
    """As `around`, for a coroutine function."""
    default = _default(owner, name, label)
    ask = label if callable(label) else None

    async def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None or frame.category == category:
            return await original(*args, **kwargs)
        text = default if ask is None else labelled(ask, default, args, kwargs)
        return await run_awaited(spans.enter(frame, category, text), original, *args, **kwargs)

    original = patching.replace(owner, name, call)


def around_noticeable(owner: "Any", name: str, category: int, label: str) -> None:
    """As `around`, for what is called so often that short calls are not worth a record."""

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None or frame.category == category:
            return original(*args, **kwargs)
        span = spans.enter(frame, category, label, site=0)
        try:
            return original(*args, **kwargs)
        finally:
            leave_noticeable(span)

    original = patching.replace(owner, name, call)


def around_noticeable_awaited(owner: "Any", name: str, category: int, label: str) -> None:
    """As `around_noticeable`, for a coroutine function."""

    async def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None or frame.category == category:
            return await original(*args, **kwargs)
        span = spans.enter(frame, category, label, site=0)
        try:
            return await original(*args, **kwargs)
        finally:
            leave_noticeable(span)

    original = patching.replace(owner, name, call)


def leave_noticeable(span: spans.Open) -> None:
    """End a span without a site: with one if it took noticeable time, else without a record."""
    if spans.now_ns() - span.start_ns <= NOTICEABLE_NS:
        spans.drop(span)
        return
    try:
        span.site = sites.site(2)
    except Exception as error:
        quiet.note("wrapping", error)
    spans.leave(span)


def labelled(
    label: "Callable[..., str]", default: str, args: "tuple[Any, ...]", kwargs: "dict[str, Any]"
) -> str:
    """What a label says of a call; the default where it raises."""
    try:
        return label(*args, **kwargs)
    except Exception as error:
        quiet.note("wrapping", error)
        return default


def _default(owner: "Any", name: str, label: "Callable[..., str] | str | None") -> str:
    if isinstance(label, str):
        return label
    return str(getattr(getattr(owner, name), "__qualname__", name))


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


def run_blocking(
    span: spans.Open, function: "Callable[..., Any]", /, *args: "Any", **kwargs: "Any"
) -> "Any":
    """As `run`, for a call that blocks a thread which may run an event loop."""
    flags = wire.BLOCKED_LOOP if spans.is_on_loop() else 0
    try:
        result = function(*args, **kwargs)
    except BaseException:
        spans.leave(span, flags=flags | wire.FAILED)
        raise
    spans.leave(span, flags=flags)
    return result


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
    try:
        name, site = name_of(function), sites.definition(function)
    except Exception as error:
        name, site = type(function).__name__, 0
        quiet.note("wrapping", error)
    return spans.enter(frame, wire.APP, name, site=site)


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
    name, is_own = _describe(function)

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        token = spans.current.set(frame)
        try:
            spans.leaf(frame, wire.EXECUTOR, name, submitted_ns)
            if is_own:
                return run(enter_app(frame, function), function, *args, **kwargs)
            return function(*args, **kwargs)
        finally:
            spans.current.reset(token)

    return call


def _describe(function: "Any") -> "tuple[str, bool]":
    """The name of a function, and whether it is the application's own."""
    try:
        code = sites.code_of(function)
        return name_of(function), code is not None and sites.is_user_code(code)
    except Exception as error:
        quiet.note("wrapping", error)
        return type(function).__name__, False
