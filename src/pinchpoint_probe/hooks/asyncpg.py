"""asyncpg: statements, connects, its pool; read-only sessions; clones.

Everything that opens a connection ends in `connect_utils._connect`, which asks
`_parse_connect_arguments` what a DSN, keywords, a service and the environment come to. Hosts off
loopback are refused by the hooks of `socket` and `uvloop`, as asyncpg connects through its loop.
"""

from _contextvars import ContextVar
from weakref import WeakKeyDictionary

from pinchpoint_probe import databases, libpq, patching, pools, queries, quiet, spans, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from types import ModuleType
    from typing import Any

_FAILED_TRANSACTION = "25P02"  # in_failed_sql_transaction: it will write nothing any more
_READ_ONLY_AGAIN = f"\n{libpq.READ_ONLY};"


class _Session:
    """What is known of a connection, which has slots and takes no attributes."""

    __slots__ = ("_pinchpoint_database", "_pinchpoint_hold", "is_protected")

    def __init__(self) -> None:
        self._pinchpoint_database: databases.Database | None = None
        self._pinchpoint_hold: Any = None
        self.is_protected = False


_sessions: "WeakKeyDictionary[Any, _Session]" = WeakKeyDictionary()
_asked: "ContextVar[databases.Database | None]" = ContextVar("pinchpoint_asyncpg", default=None)
"""The database that this task is connecting to."""


def _session(connection: "Any") -> _Session:
    session = _sessions.get(connection)
    if session is None:
        session = _sessions[connection] = _Session()
    return session


def _patch(module: "ModuleType") -> None:
    _patch_connects(module)
    _patch_statements(module)
    _patch_reset(module.Connection)
    _patch_pool(module.pool)


def _patch_connects(module: "ModuleType") -> None:
    def open_again(parameters: "Mapping[str, Any]") -> "_Blocking":
        classes = {"connection_class": module.Connection, "record_class": module.Record}
        return _Blocking(original, {**classes, **parameters})

    def observed_parse(**kwargs: "Any") -> "Any":
        addresses, found, configuration = parse(**kwargs)
        try:
            database = _database(kwargs, found, open_again)
            _asked.set(database)
            found = found._replace(database=database.parameters["database"])
        except Exception as error:
            quiet.note("asyncpg.connect", error)
        return addresses, found, configuration

    async def observed_connect(**kwargs: "Any") -> "Any":
        _asked.set(None)
        start_ns = spans.now_ns()
        try:
            connection = await original(**kwargs)
        except BaseException:
            queries.connected(_name(), start_ns, has_failed=True, flags=0)
            raise
        queries.connected(_name(), start_ns, has_failed=False, flags=0)
        _remember(connection)
        if state.is_guarded():
            await _guard(connection)
        return connection

    utils = module.connect_utils
    parse = patching.replace(utils, "_parse_connect_arguments", observed_parse)
    original = patching.replace(utils, "_connect", observed_connect)


def _database(
    kwargs: "Mapping[str, Any]", found: "Any", open_again: "Callable[[Mapping[str, Any]], Any]"
) -> databases.Database:
    """Describe where a connect will go, with a clone's name in place of the database's.

    Args:
        kwargs: What `_connect` passes on, all names that it knows.
        found: asyncpg's conclusion from it.
        open_again: Opens a connection from such parameters.
    """
    clone = databases.clone_of(found.database)
    parameters = {name: value for name, value in kwargs.items() if value is not None}
    parameters |= {"user": found.user, "database": clone or found.database}
    if isinstance(found.password, str):  # it may be a function
        parameters["password"] = found.password

    def complete(given: "Mapping[str, Any]") -> "Any":
        return open_again({**dict.fromkeys(kwargs), **given})

    return databases.Database("postgresql", "asyncpg", found.database, parameters, complete)


def _name() -> str:
    database = _asked.get()
    return f"postgresql {database.name if database is not None else ''}"


def _remember(connection: "Any") -> None:
    try:
        database = _asked.get()
        if database is not None:
            address = connection._addr  # noqa: SLF001
            if isinstance(address, str):  # a socket in a folder: .../.s.PGSQL.5432
                folder, _, file = address.rpartition("/")
                address = (folder, int(file.rpartition(".")[2]))
            where = dict(zip(("host", "port"), address, strict=False))
            database.parameters = {**database.parameters, **where}
            _session(connection)._pinchpoint_database = databases.remember(database)  # noqa: SLF001
    except Exception as error:
        quiet.note("asyncpg.connect", error)


class _Blocking:
    """A connection as `plans` needs one: it blocks its thread, and has a loop of its own."""

    description: "Any" = None

    def __init__(self, connect: "Callable[..., Any]", parameters: "Mapping[str, Any]") -> None:
        import asyncio

        self._loop = asyncio.new_event_loop()
        try:
            self._connection = self._wait(connect(loop=self._loop, **parameters))
        except BaseException:
            self._loop.close()
            raise

    def cursor(self) -> "_Blocking":
        return self

    def execute(self, text: str, parameters: "Any" = ()) -> None:
        self.description = self._rows = self._wait(self._connection.fetch(text, *parameters))

    def fetchall(self) -> "Any":
        return self._rows

    def close(self) -> None:
        try:
            self._wait(self._connection.close())
        finally:
            self._loop.close()

    def _wait(self, awaitable: "Any") -> "Any":
        return self._loop.run_until_complete(awaitable)


def _is_protected(connection: "Any") -> bool:
    value = getattr(connection.get_settings(), libpq.READ_ONLY_PARAMETER, None)
    if value is None:  # servers before 14 do not report it
        return _session(connection).is_protected
    return bool(value == "on")


async def _guard(connection: "Any") -> None:
    """Make a session read-only below the driver, which may wrap or log what goes through it."""
    try:
        if connection.is_closed() or _is_protected(connection):
            return
        protocol = connection._protocol  # noqa: SLF001
        if connection.is_in_transaction():
            await protocol.query(libpq.READ_ONLY_NOW, None)
        else:
            await protocol.query(libpq.READ_ONLY, None)
            _session(connection).is_protected = True
    except Exception as error:
        if getattr(error, "sqlstate", "") != _FAILED_TRANSACTION:
            quiet.note("asyncpg guard", error)


def _patch_reset(cls: "Any") -> None:
    """A pool's connections are reset when they return; they stay read-only without a round trip."""

    def observed_reset_query(self: "Any") -> "Any":
        query = get_reset_query(self)
        return query + _READ_ONLY_AGAIN if query and state.is_guarded() else query

    get_reset_query = patching.replace(cls, "get_reset_query", observed_reset_query)


def _patch_statements(module: "ModuleType") -> None:
    connection, cursor = module.Connection, module.cursor.BaseCursor
    for name in ("fetch", "fetchrow", "fetchval"):
        _watch(connection, name, _of_connection, _executed)
        _watch(module.prepared_stmt.PreparedStatement, name, _of_prepared, _executed)
    for name in ("execute", "executemany", "fetchmany", "_copy_in", "_copy_out"):
        _watch(connection, name, _of_connection, _repeated)
    for name in ("executemany", "fetchmany"):
        _watch(module.prepared_stmt.PreparedStatement, name, _of_prepared, _repeated)
    _watch(connection, "copy_records_to_table", _of_copy, _repeated)
    _watch(connection, "prepare", _of_prepare, _noticed)
    _watch(cursor, "_bind", _of_cursor, _executed)
    _watch(cursor, "_bind_exec", _of_cursor, _executed)
    _watch(cursor, "_exec", _of_cursor, _noticed)


def _watch(
    owner: "Any", name: str, read: "Callable[..., Any]", record: "Callable[..., None]"
) -> None:
    """Replace a coroutine method that is at least one round trip.

    Args:
        owner: A class.
        name: The method.
        read: From its object and arguments to (connection, statement, parameters).
        record: Called with (frame, connection, statement, parameters, start_ns, rows).
    """
    rows_of = _ROWS.get(name, _unknown)

    async def call(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        connection, query, parameters = read(self, args, kwargs)
        if state.is_guarded():
            await _guard(connection)
        frame = spans.active()
        if frame is None:
            return await original(self, *args, **kwargs)
        token = spans.current.set(None)  # a copy may prepare a statement, which is part of it
        start_ns = spans.now_ns()
        try:
            result = await original(self, *args, **kwargs)
        except BaseException as error:
            queries.failed(frame, query, start_ns, error, 0)
            raise
        finally:
            _resume(token)
        record(frame, connection, query, parameters, start_ns, rows_of(result))
        return result

    original = patching.replace(owner, name, call)


def _resume(token: "Token[spans.Frame | None]") -> None:
    """Let inner calls be recorded again."""
    try:  # noqa: SIM105  # contextlib would be one more import
        spans.current.reset(token)
    except ValueError:  # the coroutine was closed from another context
        pass


def _of_connection(connection: "Any", args: "Any", kwargs: "Any") -> "tuple[Any, Any, Any]":
    query = args[0] if args else kwargs.get("query") or kwargs.get("command") or ""
    if isinstance(query, str):
        query = query.removesuffix(_READ_ONLY_AGAIN)
    return connection, query, args[1:]


def _of_prepared(statement: "Any", args: "Any", _: "Any") -> "tuple[Any, Any, Any]":
    return statement._connection, statement._query, args  # noqa: SLF001


def _of_cursor(cursor: "Any", *_: "Any") -> "tuple[Any, Any, Any]":
    return cursor._connection, cursor._query, cursor._args  # noqa: SLF001


def _of_prepare(connection: "Any", args: "Any", kwargs: "Any") -> "tuple[Any, Any, Any]":
    return connection, f"PREPARE {args[0] if args else kwargs.get('query', '')}", None


def _of_copy(connection: "Any", args: "Any", kwargs: "Any") -> "tuple[Any, Any, Any]":
    return connection, f"COPY {args[0] if args else kwargs.get('table_name', '')}", None


def _executed(  # noqa: PLR0913, PLR0917  # called positionally, on the hot path
    frame: spans.Frame,
    connection: "Any",
    query: "Any",
    parameters: "Any",
    start_ns: int,
    rows: int,
) -> None:
    queries.executed(frame, _sessions.get(connection), query, parameters, start_ns, rows, 0)


def _repeated(  # as above
    frame: spans.Frame, _: "Any", query: "Any", __: "Any", start_ns: int, rows: int
) -> None:
    queries.repeated(frame, query, start_ns, rows, 0)


def _noticed(  # as above
    frame: spans.Frame, _: "Any", query: "Any", __: "Any", start_ns: int, rows: int
) -> None:
    queries.noticed(frame, query, start_ns, rows, 0)


def _unknown(_: "Any") -> int:
    return -1


def _one(row: "Any") -> int:
    return 0 if row is None else 1


def _affected(status: "Any") -> int:
    """The count at the end of `INSERT 0 3` or `UPDATE 3`; BEGIN and the like have none."""
    count = str(status).rpartition(" ")[2]
    return int(count) if count.isdecimal() else -1


_ROWS: "dict[str, Callable[[Any], int]]" = {
    "fetch": len,
    "fetchmany": len,
    "_bind_exec": len,
    "_exec": len,
    "fetchrow": _one,
    "execute": _affected,
}


def _patch_pool(module: "Any") -> None:
    async def observed_acquire(self: "Any", timeout: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await acquire(self, timeout)
        resource = pools.label(f"pool {self.get_max_size()}+0 of asyncpg", self)
        span = pools.begin(frame, resource)
        try:
            proxy = await acquire(self, timeout)
        except BaseException:
            pools.end(span, has_failed=True)
            raise
        pools.end(span)
        pools.take(_session(proxy._con), frame, resource)  # noqa: SLF001
        return proxy

    def observed_release(self: "Any") -> None:
        if self._con is not None:  # it may have been lost while it was reset
            pools.give_back(_sessions.get(self._con))
        release(self)

    acquire = patching.replace(module.Pool, "_acquire", observed_acquire)
    # After the reset, which is a round trip: until then nobody else can have it.
    release = patching.replace(module.PoolConnectionHolder, "_release", observed_release)


PATCHES = {"asyncpg": _patch}
