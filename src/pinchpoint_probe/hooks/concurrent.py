"""Thread pools: waiting for a thread, and what runs there.

`loop.run_in_executor`, `asyncio.to_thread` and asgiref's `sync_to_async` end up here.
"""

from pinchpoint_probe import patching, spans, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(thread: "ModuleType") -> None:
    def submit(self: "Any", fn: "Any", /, *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is not None:
            fn = wrapping.in_thread(frame, fn)
        return original(self, fn, *args, **kwargs)

    original = patching.replace(thread.ThreadPoolExecutor, "submit", submit)


PATCHES = {"concurrent.futures.thread": _patch}
