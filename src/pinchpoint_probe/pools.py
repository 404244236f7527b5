"""Record waiting for a pooled connection, and who held one meanwhile."""

from pinchpoint_probe import quiet, sites, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOTICEABLE_NS = 20_000
"""A checkout below this neither waited nor connected: it is the pool's own code."""

_owners: "dict[str, list[Any]]" = {}


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
            spans.current.reset(span.token)
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
