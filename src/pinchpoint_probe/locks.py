"""Locks of the application: their names, and who has them. Libraries' locks are left alone.

Libraries have many locks, and a pool's or a client's waiting has a span of its own.
"""

import sys

from pinchpoint_probe import quiet, sites, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


def resource(kind: str, depth: int, passing: str = "") -> str:
    """The name of a lock after the line that makes it, `lock of views.py:12`.

    Args:
        kind: `lock` or `semaphore`.
        depth: How many stack levels above the caller the code is that makes it.
        passing: File of the library whose classes call each other to make one.

    Returns:
        The name; empty if a library makes it.
    """
    try:
        frame: FrameType | None = sys._getframe(depth + 1)  # noqa: SLF001
        while frame is not None and _is_passing(frame.f_code.co_filename, passing):
            frame = frame.f_back
        if frame is not None and sites.is_user_code(frame.f_code):
            return f"{kind} of {frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
    except Exception as error:
        quiet.note("locks", error)
    return ""


def _is_passing(file: str, passing: str) -> bool:
    return file == passing or file.startswith("<")  # dataclasses write their `__init__`


class Hold:
    """Who has a lock; there is a record of it only if somebody waited meanwhile."""

    __slots__ = ("_depth", "_is_contended", "_resource", "_start_ns", "_trace_id")

    def __init__(self, name: str) -> None:
        self._resource = name
        self._depth = 0
        self._trace_id = 0
        self._start_ns = 0
        self._is_contended = False

    def expect(self) -> None:
        """Somebody is about to wait."""
        self._is_contended = True

    def waited(self, frame: spans.Frame, start_ns: int, flags: int = 0) -> None:
        """Record the waiting, which ends now."""
        spans.leaf(frame, wire.LOCK, self._resource, start_ns, flags=flags)

    def take(self, frame: spans.Frame) -> None:
        """A request has the lock from now on, or has it once more."""
        self._depth += 1
        if self._depth == 1:
            self._trace_id, self._start_ns = frame.request.trace_id, spans.now_ns()

    def give_back(self) -> None:
        """The lock is about to be released."""
        if self._depth == 0:  # it was taken outside of a request
            return
        self._depth -= 1
        if self._depth == 0 and self._is_contended:
            self._is_contended = False
            try:
                spans.hold(self._trace_id, self._resource, self._start_ns, sites.site(2))
            except Exception as error:
                quiet.note("locks", error)
