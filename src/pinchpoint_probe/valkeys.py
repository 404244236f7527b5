"""What the hooks of `redis` and `valkey` share: the second is a fork of the first.

A command is named like `redis GET`, without its key, which may be a session's or a person's.
"""

from pinchpoint_probe import pools, wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


def patches(library: str, client: str) -> "dict[str, Callable[[ModuleType], None]]":
    """The PATCHES of a library.

    Args:
        library: Its import, `redis`.
        client: Name of its client class, `Redis`.
    """
    label = _labels(library)

    def patch_client(module: "ModuleType") -> None:
        _patch_commands(getattr(module, client), module.Pipeline, label)

    def patch_cluster(module: "ModuleType") -> None:
        _patch_commands(getattr(module, f"{client}Cluster"), module.ClusterPipeline, label)

    def patch_async_client(module: "ModuleType") -> None:
        _patch_awaited_commands(getattr(module, client), module.Pipeline, label)

    def patch_async_cluster(module: "ModuleType") -> None:
        _patch_awaited_commands(getattr(module, f"{client}Cluster"), module.ClusterPipeline, label)

    def resource(pool: "Any") -> str:
        return f"{library} pool of {pool.max_connections}"

    def patch_connection(module: "ModuleType") -> None:
        wrapping.around_noticeable(module.AbstractConnection, "connect", wire.CONNECT, library)
        pools.watch(module.BlockingConnectionPool, "get_connection", "release", resource)

    def patch_async_connection(module: "ModuleType") -> None:
        connection = module.AbstractConnection
        wrapping.around_noticeable_awaited(connection, "connect", wire.CONNECT, library)
        pools.watch_async(module.BlockingConnectionPool, "get_connection", "release", resource)

    return {
        f"{library}.client": patch_client,
        f"{library}.cluster": patch_cluster,
        f"{library}.connection": patch_connection,
        f"{library}.asyncio.client": patch_async_client,
        f"{library}.asyncio.cluster": patch_async_cluster,
        f"{library}.asyncio.connection": patch_async_connection,
    }


def _labels(library: str) -> "Callable[..., str]":
    def label(_: "Any", command: "Any" = "", *__: "Any", **___: "Any") -> str:
        name = command.decode() if isinstance(command, bytes) else str(command)
        return f"{library} {name.upper()}"

    return label


def _patch_commands(client: "Any", pipeline: "Any", label: "Callable[..., str]") -> None:
    wrapping.around(client, "execute_command", wire.CACHE, label, is_blocking=True)
    wrapping.around(pipeline, "execute", wire.CACHE, _pipeline(label), is_blocking=True)


def _patch_awaited_commands(client: "Any", pipeline: "Any", label: "Callable[..., str]") -> None:
    wrapping.around_awaited(client, "execute_command", wire.CACHE, label)
    wrapping.around_awaited(pipeline, "execute", wire.CACHE, _pipeline(label))


def _pipeline(label: "Callable[..., str]") -> str:
    return label(None, "pipeline")
