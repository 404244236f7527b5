"""gevent: what replaces the standard library's sockets and sleep, observed and guarded alike."""

from pinchpoint_probe import connecting, wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch_sockets(common: "ModuleType") -> None:
    connecting.patch(common.SocketMixin, common)


def _patch_hub(hub: "ModuleType") -> None:
    wrapping.around(hub, "sleep", wire.SLEEP, "gevent.sleep")


PATCHES = {"gevent._socketcommon": _patch_sockets, "gevent.hub": _patch_hub}
