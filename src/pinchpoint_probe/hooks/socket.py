"""socket: refuse connections off loopback while the guard is on.

Covers what opens sockets in Python, asyncio's own loop included. libpq, gevent and uvloop do
not; their hooks ask the guard themselves.
"""

from pinchpoint_probe import connecting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    connecting.patch(module.socket, module)


PATCHES = {"socket": _patch}
