"""psycopg_pool: waiting and holding. Django's own pool is one of these."""

from pinchpoint_probe import patching, pools, quiet, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    _patch_pool(module.ConnectionPool)
    _patch_async_pool(module.AsyncConnectionPool)


def _patch_pool(cls: "Any") -> None:
    def observed_getconn(self: "Any", timeout: "float | None" = None) -> "Any":
        frame = spans.active()
        if frame is None:
            return getconn(self, timeout)
        resource = _resource(self)
        span = pools.begin(frame, resource)
        try:
            connection = getconn(self, timeout)
        except BaseException:
            pools.end(span, has_failed=True)
            raise
        pools.end(span)
        pools.take(connection, frame, resource)
        return connection

    def observed_putconn(self: "Any", conn: "Any") -> None:
        pools.give_back(conn)
        putconn(self, conn)

    getconn = patching.replace(cls, "getconn", observed_getconn)
    putconn = patching.replace(cls, "putconn", observed_putconn)


def _patch_async_pool(cls: "Any") -> None:
    async def observed_getconn(self: "Any", timeout: "float | None" = None) -> "Any":
        frame = spans.active()
        if frame is None:
            return await getconn(self, timeout)
        resource = _resource(self)
        span = pools.begin(frame, resource)
        try:
            connection = await getconn(self, timeout)
        except BaseException:
            pools.end(span, has_failed=True)
            raise
        pools.end(span)
        pools.take(connection, frame, resource)
        return connection

    async def observed_putconn(self: "Any", conn: "Any") -> None:
        pools.give_back(conn)
        await putconn(self, conn)

    getconn = patching.replace(cls, "getconn", observed_getconn)
    putconn = patching.replace(cls, "putconn", observed_putconn)


def _resource(pool: "Any") -> str:
    try:
        known: str = getattr(pool, "_pinchpoint_resource", "")
        if not known:
            size = f"{pool.min_size}+{pool.max_size - pool.min_size}"
            known = pools.label(f"pool {size} of psycopg_pool", pool)
            pool._pinchpoint_resource = known  # noqa: SLF001
        return known
    except Exception as error:
        quiet.note("psycopg_pool", error)
        return "pool"


PATCHES = {"psycopg_pool": _patch}
