"""psycopg 3: statements, connects, commits; read-only sessions; clones."""

from weakref import WeakKeyDictionary

from pinchpoint_probe import databases, guard, libpq, patching, queries, quiet, spans, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

_declared: "WeakKeyDictionary[Any, Any]" = WeakKeyDictionary()
"""Statements of server-side cursors, which have slots and forget what they declared."""

_IDLE, _IN_TRANSACTION = 0, 2  # libpq's PGTransactionStatusType


def _patch(module: "ModuleType") -> None:
    _patch_connects(module)
    _patch_cursors(module)
    _patch_execute(module.Cursor)
    _patch_async_execute(module.AsyncCursor)
    _patch_ends(module)


def _patch_connects(module: "ModuleType") -> None:
    original = vars(module.Connection)["connect"].__func__

    def open_again(parameters: "Mapping[str, Any]") -> "Any":
        return original(
            module.Connection, autocommit=True, cursor_factory=module.ClientCursor, **parameters
        )

    def prepare(conninfo: str, kwargs: "dict[str, Any]") -> "databases.Database | None":
        database = _prepare(module, conninfo, kwargs, open_again)
        if database is not None and state.is_guarded():
            host = libpq.refused_host(database.parameters)
            if host:
                raise module.OperationalError(str(guard.refuse(host)))
        return database

    def connect(cls: "Any", conninfo: str = "", **kwargs: "Any") -> "Any":
        database = prepare(conninfo, kwargs)
        start_ns = spans.now_ns()
        try:
            connection = original(cls, conninfo, **kwargs)
        except BaseException:
            _connected(database, start_ns, None, queries.blocking())
            raise
        _connected(database, start_ns, connection, queries.blocking())
        return connection

    patching.replace(module.Connection, "connect", classmethod(connect))  # type: ignore[arg-type]
    patching.replace(module, "connect", module.Connection.connect)
    _patch_async_connect(module.AsyncConnection, prepare)


def _patch_async_connect(
    owner: "Any", prepare: "Callable[[str, dict[str, Any]], databases.Database | None]"
) -> None:
    original = vars(owner)["connect"].__func__

    async def connect(cls: "Any", conninfo: str = "", **kwargs: "Any") -> "Any":
        database = prepare(conninfo, kwargs)
        start_ns = spans.now_ns()
        try:
            connection = await original(cls, conninfo, **kwargs)
        except BaseException:
            _connected(database, start_ns, None, 0)
            raise
        _connected(database, start_ns, connection, 0)
        return connection

    patching.replace(owner, "connect", classmethod(connect))  # type: ignore[arg-type]


def _only_libpq(kwargs: "dict[str, Any]") -> "dict[str, Any]":
    own = ("autocommit", "prepare_threshold", "context", "row_factory", "cursor_factory")
    return {name: value for name, value in kwargs.items() if name not in own}


def _prepare(
    module: "Any",
    conninfo: str,
    kwargs: "dict[str, Any]",
    open_again: "Callable[[Mapping[str, Any]], Any]",
) -> "databases.Database | None":
    """Describe where a connect will go; puts a clone's name into its arguments."""
    try:
        parameters = module.conninfo.conninfo_to_dict(conninfo, **_only_libpq(kwargs))
        database = libpq.database("psycopg", parameters, open_again)
    except Exception as error:  # the driver will say it better
        quiet.note("psycopg.connect", error)
        return None
    if databases.clone_of(database.name):
        kwargs["dbname"] = database.parameters["dbname"]
    return database


def _connected(
    database: "databases.Database | None", start_ns: int, connection: "Any", flags: int
) -> None:
    name = database.name if database is not None else ""
    has_failed = connection is None
    queries.connected(f"postgresql {name}", start_ns, has_failed=has_failed, flags=flags)
    if connection is None:
        return
    if database is not None:
        connection._pinchpoint_database = databases.remember(database)  # noqa: SLF001
    if state.is_guarded():
        _protect(connection)


def _is_protected(connection: "Any") -> bool:
    if connection.closed or connection.pgconn.pipeline_status:  # no time for a query of ours
        return True
    if connection.read_only is False:  # it would BEGIN READ WRITE
        return False
    value = connection.pgconn.parameter_status(libpq.READ_ONLY_PARAMETER.encode())
    if value is None:  # servers before 14 do not report it
        return getattr(connection, "_pinchpoint_is_protected", False)
    return bool(value == b"on")


def _protect(connection: "Any") -> None:
    """Make a session read-only below the driver, which keeps a transaction of its own."""
    try:
        status = connection.pgconn.transaction_status
        if status == _IDLE:
            connection.pgconn.exec_(libpq.READ_ONLY.encode())
            connection._pinchpoint_is_protected = True  # noqa: SLF001
            if connection.read_only is False:
                connection._read_only = None  # noqa: SLF001
                connection._begin_statement = b""  # noqa: SLF001  # made anew by the next BEGIN
        elif status == _IN_TRANSACTION:
            connection.pgconn.exec_(libpq.READ_ONLY_NOW.encode())
    except Exception as error:
        quiet.note("psycopg guard", error)


def _guard(connection: "Any") -> None:
    if not _is_protected(connection):
        with connection.lock:
            _protect(connection)


async def _guard_async(connection: "Any") -> None:
    if not _is_protected(connection):
        async with connection.lock:
            _protect(connection)


def _protect_of(cursor: "Any") -> None:
    _guard(cursor._conn)  # noqa: SLF001


async def _protect_of_async(cursor: "Any") -> None:
    await _guard_async(cursor._conn)  # noqa: SLF001


def _keep_query(cursor: "Any", query: "Any" = "", *_: "Any", **__: "Any") -> "Any":
    _declared[cursor] = query
    return query


def _last_query(cursor: "Any", *_: "Any", **__: "Any") -> "Any":
    return _declared.get(cursor, "FETCH")


def _patch_cursors(module: "ModuleType") -> None:
    first, again = queries.first_argument, queries.repeated
    for cls, name, statement, record in (
        (module.Cursor, "executemany", first, again),
        (module.ServerCursor, "execute", _keep_query, again),
        # each fetch of a server's cursor is a round trip; other cursors have their rows already
        (module.ServerCursor, "fetchone", _last_query, queries.noticed),
        (module.ServerCursor, "fetchmany", _last_query, queries.noticed),
        (module.ServerCursor, "fetchall", _last_query, queries.noticed),
    ):
        old = getattr(cls, name)
        patching.replace(cls, name, queries.watched(old, statement, _protect_of, record))
        asynchronous = getattr(module, f"Async{cls.__name__}")
        old = getattr(asynchronous, name)
        new = queries.watched_async(old, statement, _protect_of_async, record)
        patching.replace(asynchronous, name, new)


def _patch_ends(module: "ModuleType") -> None:
    for name in ("commit", "rollback"):

        def statement(*_: "Any", name: str = name) -> str:
            return name.upper()

        old = getattr(module.Connection, name)
        patching.replace(module.Connection, name, queries.watched(old, statement))
        old = getattr(module.AsyncConnection, name)
        new = queries.watched_async(old, statement)
        patching.replace(module.AsyncConnection, name, new)


def _patch_execute(cls: "Any") -> None:
    def execute(
        self: "Any",
        query: "Any",
        params: "Any" = None,
        *,
        prepare: "bool | None" = None,
        binary: "bool | None" = None,
    ) -> "Any":
        if state.is_guarded():
            _guard(self._conn)
        frame = spans.active()
        if frame is None:
            return original(self, query, params, prepare=prepare, binary=binary)
        start_ns = spans.now_ns()
        try:
            result = original(self, query, params, prepare=prepare, binary=binary)
        except BaseException as error:
            queries.failed(frame, query, start_ns, error, queries.blocking())
            raise
        queries.executed(
            frame, self._conn, query, params, start_ns, self.rowcount, queries.blocking()
        )
        return result

    original = patching.replace(cls, "execute", execute)


def _patch_async_execute(cls: "Any") -> None:
    async def execute(
        self: "Any",
        query: "Any",
        params: "Any" = None,
        *,
        prepare: "bool | None" = None,
        binary: "bool | None" = None,
    ) -> "Any":
        if state.is_guarded():
            await _guard_async(self._conn)
        frame = spans.active()
        if frame is None:
            return await original(self, query, params, prepare=prepare, binary=binary)
        start_ns = spans.now_ns()
        try:
            result = await original(self, query, params, prepare=prepare, binary=binary)
        except BaseException as error:
            queries.failed(frame, query, start_ns, error, 0)
            raise
        queries.executed(frame, self._conn, query, params, start_ns, self.rowcount, 0)
        return result

    original = patching.replace(cls, "execute", execute)


PATCHES = {"psycopg": _patch}
