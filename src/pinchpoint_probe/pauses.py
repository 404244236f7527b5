"""Record the garbage collector's pauses, in the request whose allocation set it off."""

import gc

from pinchpoint_probe import patching, quiet, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NOTICEABLE_NS = 100_000
"""Most collections are of the youngest objects and take less than a record is worth."""

_start_ns = 0
_is_watching = False


def watch() -> None:
    """Begin to record; once for each process."""
    global _is_watching
    if not _is_watching:
        _is_watching = True
        gc.callbacks.append(_observe)
        patching.on_restore(_unwatch)


def _unwatch() -> None:
    global _is_watching
    _is_watching = False
    gc.callbacks.remove(_observe)


def _observe(phase: str, info: "Mapping[str, int]") -> None:
    global _start_ns
    if phase == "start":
        _start_ns = spans.now_ns()
        return
    try:
        frame = spans.active()
        if frame is not None and spans.now_ns() - _start_ns > NOTICEABLE_NS:
            spans.leaf(frame, wire.GC, f"generation {info['generation']}", _start_ns)
    except Exception as error:
        quiet.note("pauses", error)
