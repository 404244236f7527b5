"""pymemcache: commands and connects of the client that its pooled and hashing clients use."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    client = module.Client
    for method in ("_fetch_cmd", "_store_cmd"):
        wrapping.around(client, method, wire.CACHE, _first, is_blocking=True)
    wrapping.around(client, "_misc_cmd", wire.CACHE, _second, is_blocking=True)
    wrapping.around(client, "_connect", wire.CONNECT, "memcached")


def _first(_: "Any", command: "Any", *__: "Any", **___: "Any") -> str:
    return f"memcached {command.decode()}"


def _second(_: "Any", __: "Any", command: "Any", *___: "Any", **____: "Any") -> str:
    return f"memcached {command.decode()}"


PATCHES = {"pymemcache.client.base": _patch}
