"""Record calls of other services: what the hooks of all their clients share."""

from pinchpoint_probe import quiet, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def record(
    frame: spans.Frame, name: str, start_ns: int, *, flags: int = 0, is_blocking: bool = False
) -> None:
    """Record a call that ends now.

    Args:
        frame: From `spans.active()`.
        name: Method and URL without query, or the service.
        start_ns: When it began.
        flags: Of wire.
        is_blocking: It kept its thread, and so the event loop that may run in it.
    """
    try:
        if is_blocking and spans.is_on_loop():
            flags |= wire.BLOCKED_LOOP
        spans.leaf(frame, wire.OUTBOUND, name, start_ns, flags=flags)
    except Exception as error:
        quiet.note("outbound", error)


def name_of(method: "Any", scheme: "Any", authority: "Any", path: "Any") -> str:
    """`GET http://host:port/path`: the query may carry secrets and stays out."""
    parts = [_text(part) for part in (method, scheme, authority, path)]
    method, scheme, authority, path = parts
    path = path.partition("?")[0].partition("#")[0]
    if "://" in path:  # as a proxy is asked
        return f"{method} {_without_user(path)}"
    return f"{method} {scheme}://{authority.rpartition('@')[2]}{path}"


def _without_user(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _text(part: "Any") -> str:
    return part.decode("ascii", "replace") if isinstance(part, bytes) else str(part)
