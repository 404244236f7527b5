"""anyio: waiting for a thread (40 by default), and what runs there.

Starlette and FastAPI run synchronous endpoints and dependencies this way.
"""

from pinchpoint_probe import patching, spans, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(to_thread: "ModuleType") -> None:
    async def run_sync(func: "Any", *args: "Any", **options: "Any") -> "Any":
        frame = spans.active()
        if frame is not None:
            func = wrapping.in_thread(frame, func)
        return await original(func, *args, **options)

    original = patching.replace(to_thread, "run_sync", run_sync)


PATCHES = {"anyio.to_thread": _patch}
