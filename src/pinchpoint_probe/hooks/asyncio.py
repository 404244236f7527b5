"""asyncio: locks and semaphores of the application, who held a lock, which line started a task."""

from pinchpoint_probe import locks, patching, spans, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    file = module.__file__ or ""
    _patch_waiting(module.Lock, "lock", file)
    _patch_waiting(module.Semaphore, "semaphore", file)

    def release(self: "Any") -> None:
        hold = getattr(self, "_pinchpoint_hold", None)
        if hold is not None:
            hold.give_back()
        original(self)

    original = patching.replace(module.Lock, "release", release)


def _patch_waiting(cls: "Any", kind: str, file: str) -> None:
    def observed_init(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        init(self, *args, **kwargs)
        resource = locks.resource(kind, 1, file)
        if resource:
            self._pinchpoint_hold = locks.Hold(resource)

    async def observed_acquire(self: "Any") -> "Any":
        frame = spans.active()
        hold = getattr(self, "_pinchpoint_hold", None)
        if frame is None or hold is None:
            return await acquire(self)
        result = await (_wait(hold, frame, acquire(self)) if self.locked() else acquire(self))
        if kind == "lock":
            hold.take(frame)
        return result

    init = patching.replace(cls, "__init__", observed_init)
    acquire = patching.replace(cls, "acquire", observed_acquire)


async def _wait(hold: locks.Hold, frame: spans.Frame, acquiring: "Awaitable[Any]") -> "Any":
    start_ns = spans.now_ns()
    hold.expect()
    try:
        return await acquiring
    finally:
        hold.waited(frame, start_ns)


def _patch_loop(module: "ModuleType") -> None:
    tasks.remember_starts(module.BaseEventLoop)


PATCHES = {"asyncio.locks": _patch, "asyncio.base_events": _patch_loop}
