"""psycopg_pool: waiting and holding. Django's own pool is one of these."""

from pinchpoint_probe import pools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    pools.watch(module.ConnectionPool, "getconn", "putconn", _resource)
    pools.watch_async(module.AsyncConnectionPool, "getconn", "putconn", _resource)


def _resource(pool: "Any") -> str:
    return f"pool {pool.min_size}+{pool.max_size - pool.min_size} of psycopg_pool"


PATCHES = {"psycopg_pool": _patch}
