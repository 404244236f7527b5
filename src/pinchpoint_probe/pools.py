"""Record waiting for a pooled connection, and who held one meanwhile."""

from pinchpoint_probe import patching, quiet, sites, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NOTICEABLE_NS = 20_000
"""A checkout below this neither waited nor connected: it is the pool's own code."""

_owners: "dict[str, list[Any]]" = {}


def watch(cls: "Any", get: str, put: str, resource: "Callable[[Any], str]") -> None:
    """Record waiting in a pool's method that hands out connections, and the time until `put`.

    Args:
        cls: The pool's class.
        get: Name of its method that returns a connection.
        put: Name of its method that takes one back, as its first argument.
        resource: From the pool to the name of its connections.
    """

    def observed_get(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return original_get(self, *args, **kwargs)
        name = _ask(resource, self)
        span = begin(frame, name)
        try:
            connection = original_get(self, *args, **kwargs)
        except BaseException:
            end(span, has_failed=True)
            raise
        end(span)
        take(connection, frame, name)
        return connection

    def observed_put(self: "Any", connection: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        give_back(connection)
        return original_put(self, connection, *args, **kwargs)

    original_get = patching.replace(cls, get, observed_get)
    original_put = patching.replace(cls, put, observed_put)


def watch_async(cls: "Any", get: str, put: str, resource: "Callable[[Any], str]") -> None:
    """As `watch`, for coroutine methods."""

    async def observed_get(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await original_get(self, *args, **kwargs)
        name = _ask(resource, self)
        span = begin(frame, name)
        try:
            connection = await original_get(self, *args, **kwargs)
        except BaseException:
            end(span, has_failed=True)
            raise
        end(span)
        take(connection, frame, name)
        return connection

    async def observed_put(self: "Any", connection: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        give_back(connection)
        return await original_put(self, connection, *args, **kwargs)

    original_get = patching.replace(cls, get, observed_get)
    original_put = patching.replace(cls, put, observed_put)


def _ask(resource: "Callable[[Any], str]", pool: "Any") -> str:
    """The name of a pool's connections, remembered on it."""
    try:
        known: str = getattr(pool, "_pinchpoint_resource", "")
        if not known:
            known = label(resource(pool), pool)
            pool._pinchpoint_resource = known  # noqa: SLF001
        return known
    except Exception as error:
        quiet.note("pools", error)
        return "pool"


def label(text: str, owner: "Any") -> str:
    """The name of a pool's connections as a resource, unique within the process.

    Args:
        text: Size and driver.
        owner: Stays the same when a pool is made anew; kept alive by this.
    """
    owners = _owners.setdefault(text, [])
    number = next((at for at, known in enumerate(owners) if known is owner), len(owners))
    if number == len(owners):
        owners.append(owner)
    return text if number == 0 else f"{text} #{number + 1}"


def begin(frame: spans.Frame, resource: str) -> "spans.Open | None":
    """Open the span of a checkout; connecting inside it is a span of its own."""
    try:
        return spans.enter(frame, wire.POOL_WAIT, resource)
    except Exception as error:
        quiet.note("pools", error)
        return None


def end(span: "spans.Open | None", *, has_failed: bool = False) -> None:
    """Close the span of a checkout; leaves no record if it did not take noticeable time."""
    if span is None:
        return
    try:
        if has_failed:
            spans.leave(span, flags=wire.FAILED)
        elif spans.now_ns() - span.start_ns > NOTICEABLE_NS:
            spans.leave(span)
        else:
            spans.drop(span)
    except Exception as error:
        quiet.note("pools", error)


def take(holder: "Any", frame: spans.Frame, resource: str) -> None:
    """Note on a connection who has it from now on."""
    try:
        trace_id = frame.request.trace_id
        holder._pinchpoint_hold = (trace_id, resource, spans.now_ns(), sites.site(1))  # noqa: SLF001
    except Exception as error:
        quiet.note("pools", error)


def give_back(holder: "Any") -> None:
    """Record the hold of a connection that returns to its pool."""
    try:
        hold = getattr(holder, "_pinchpoint_hold", None)
        if hold is not None:
            holder._pinchpoint_hold = None  # noqa: SLF001
            trace_id, resource, start_ns, site = hold
            spans.hold(trace_id, resource, start_ns, site)
    except Exception as error:
        quiet.note("pools", error)
