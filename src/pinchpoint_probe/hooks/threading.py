"""threading: waiting for locks and semaphores of the application, and who held a lock.

A lock is a C type, so `Lock()` and `RLock()` give the application's own code one that wraps it.
"""

from pinchpoint_probe import locks, patching, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    for name in ("Lock", "RLock"):
        patching.replace(module, name, _factory(getattr(module, name)))
    _patch_semaphore(module.Semaphore, module.__file__ or "")


def _factory(original: "Callable[[], Any]") -> "Any":
    """A class, as `threading.Lock` is one from Python 3.13 on: it may stand in annotations."""
    made = type(original())

    class Factory(type):
        def __call__(cls) -> "Any":
            resource = locks.resource("lock", 1)
            return _Lock(original(), resource) if resource else original()

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, (made, _Lock))

    namespace = {"__module__": original.__module__, "__doc__": original.__doc__}
    return Factory(original.__name__, (), namespace)


class _Lock:
    """A lock of the application, as it sees it."""

    def __init__(self, lock: "Any", resource: str) -> None:
        self._lock = lock
        self._hold = locks.Hold(resource)

    def acquire(self, blocking: "Any" = True, timeout: "Any" = -1) -> "Any":  # noqa: FBT002  # theirs
        frame = spans.active()
        if frame is None:
            return self._lock.acquire(blocking, timeout)
        if not _may_wait(blocking, timeout):
            is_acquired = self._lock.acquire(blocking, timeout)
        elif self._lock.acquire(blocking=False):
            is_acquired = True
        else:
            start_ns = spans.now_ns()
            self._hold.expect()
            try:
                is_acquired = self._lock.acquire(blocking, timeout)
            finally:
                self._hold.waited(frame, start_ns, _flags())
        if is_acquired:
            self._hold.take(frame)
        return is_acquired

    __enter__ = acquire

    def release(self) -> None:
        self._hold.give_back()
        self._lock.release()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._lock, name)

    def __repr__(self) -> str:
        return repr(self._lock)


def _may_wait(blocking: "Any", timeout: "Any") -> bool:
    """Whether the arguments are valid and let it wait."""
    return bool(blocking) and isinstance(timeout, (int, float)) and (timeout == -1 or timeout >= 0)


def _flags() -> int:
    return wire.BLOCKED_LOOP if spans.is_on_loop() else 0


def _patch_semaphore(cls: "Any", file: str) -> None:
    def observed_init(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        init(self, *args, **kwargs)
        resource = locks.resource("semaphore", 1, file)
        if resource:
            self._pinchpoint_hold = locks.Hold(resource)

    def observed_acquire(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        hold = getattr(self, "_pinchpoint_hold", None)
        if frame is None or hold is None or self._value > 0:
            return acquire(self, *args, **kwargs)
        start_ns = spans.now_ns()
        try:
            return acquire(self, *args, **kwargs)
        finally:
            hold.waited(frame, start_ns, _flags())

    init = patching.replace(cls, "__init__", observed_init)
    acquire = patching.replace(cls, "acquire", observed_acquire)
    patching.replace(cls, "__enter__", observed_acquire)


PATCHES = {"threading": _patch}
