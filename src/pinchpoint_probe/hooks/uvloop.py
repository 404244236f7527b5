"""uvloop: which line started a task; no connections off loopback while the guard is on.

It opens sockets in C.
"""

from pinchpoint_probe import guard, patching, state, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    async def create_connection(
        self: "Any",
        protocol_factory: "Any",
        host: "Any" = None,
        port: "Any" = None,
        **kwargs: "Any",
    ) -> "Any":
        if state.is_guarded() and host is not None:
            refusal = guard.refusal((host, port))
            if refusal is not None:
                raise refusal
        return await original(self, protocol_factory, host, port, **kwargs)

    original = patching.replace(module.Loop, "create_connection", create_connection)
    tasks.remember_starts(module.Loop)


PATCHES = {"uvloop": _patch}
