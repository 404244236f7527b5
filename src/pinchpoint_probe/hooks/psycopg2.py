"""psycopg2: statements, connects, commits; read-only sessions; clones.

Its connection and cursor are C types that take no new attributes, so `connect` makes them from
subclasses: of the application's own factories where it has any.
"""

from pinchpoint_probe import databases, guard, libpq, patching, queries, quiet, spans, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any

_IDLE, _IN_TRANSACTION = 0, 2  # psycopg2.extensions.TRANSACTION_STATUS_...

_extensions: "Any" = None
_connection_classes: "dict[type, type]" = {}
_cursor_classes: "dict[tuple[type, bool], type]" = {}


def _patch(module: "ModuleType") -> None:
    global _extensions
    _extensions = module.extensions

    def open_again(parameters: "Mapping[str, Any]") -> "Any":
        connection = original(**parameters)
        connection.autocommit = True
        return connection

    def connect(
        dsn: "str | None" = None,
        connection_factory: "Any" = None,
        cursor_factory: "Any" = None,
        **kwargs: "Any",
    ) -> "Any":
        database = None
        factory = connection_factory
        try:
            database = _describe(dsn, kwargs, open_again)
            if databases.clone_of(database.name):
                kwargs.pop("database", None)
                kwargs["dbname"] = database.parameters["dbname"]
            factory = _observed_connection(connection_factory or _extensions.connection)
        except Exception as error:  # the driver will say it better
            quiet.note("psycopg2.connect", error)
        _refuse(database, module)
        start_ns = spans.now_ns()
        name = f"postgresql {database.name if database is not None else ''}"
        try:
            connection = original(dsn, factory, cursor_factory, **kwargs)
        except BaseException:
            queries.connected(name, start_ns, has_failed=True, flags=queries.blocking())
            raise
        queries.connected(name, start_ns, has_failed=False, flags=queries.blocking())
        _adopt(connection, database)
        return connection

    original = patching.replace(module, "connect", connect)


def _describe(dsn: "str | None", kwargs: "dict[str, Any]", open_again: "Any") -> databases.Database:
    given = {name: value for name, value in kwargs.items() if name not in {"async", "async_"}}
    parameters = _extensions.parse_dsn(_extensions.make_dsn(dsn, **given))
    return libpq.database("psycopg2", parameters, open_again)


def _refuse(database: "databases.Database | None", module: "ModuleType") -> None:
    if database is not None and state.is_guarded():
        host = libpq.refused_host(database.parameters)
        if host:
            raise module.OperationalError(str(guard.refuse(host)))


def _adopt(connection: "Any", database: "databases.Database | None") -> None:
    try:
        if database is not None:
            connection._pinchpoint_database = databases.remember(database)  # noqa: SLF001
    except Exception as error:  # made by a factory that is no class
        quiet.note("psycopg2.connect", error)
    if state.is_guarded():
        _protect(connection)


def _observed_connection(factory: "Any") -> "Any":
    if not isinstance(factory, type) or not issubclass(factory, _extensions.connection):
        return factory
    known = _connection_classes.get(factory)
    if known is None:
        known = _connection_classes[factory] = _subclass_connection(factory)
    return known


def _subclass_connection(base: "Any") -> type:
    has_own_cursors = base.cursor is not _extensions.connection.cursor
    chosen: list[Any] = [] if has_own_cursors else [_extensions.cursor]

    def cursor(
        self: "Any", name: "Any" = None, cursor_factory: "Any" = None, **kwargs: "Any"
    ) -> "Any":
        factory = cursor_factory or self.cursor_factory
        if factory is None:
            if not chosen:  # the application's class knows, so let it make one
                chosen.append(type(base.cursor(self)))
            factory = chosen[0]
        return base.cursor(
            self,
            name,
            cursor_factory=_observed_cursor(factory, is_named=name is not None),
            **kwargs,
        )

    namespace = {"cursor": cursor, "__module__": base.__module__, "__doc__": base.__doc__}
    for name in ("commit", "rollback"):

        def statement(*_: "Any", name: str = name) -> str:
            return name.upper()

        namespace[name] = queries.watched(getattr(base, name), statement)
    return type(base.__name__, (base,), namespace)


def _observed_cursor(factory: "Any", *, is_named: bool) -> "Any":
    if not isinstance(factory, type):
        return factory
    known = _cursor_classes.get((factory, is_named))
    if known is None:
        known = _subclass_cursor(factory, is_named=is_named)
        _cursor_classes[factory, is_named] = known
    return known


def _subclass_cursor(base: "Any", *, is_named: bool) -> type:
    def execute(self: "Any", query: "Any", vars: "Any" = None) -> "Any":  # noqa: A002  # theirs
        if state.is_guarded():
            _protect(self.connection)
        frame = spans.active()
        if frame is None:
            return original(self, query, vars)
        self._pinchpoint_query = query
        start_ns = spans.now_ns()
        try:
            result = original(self, query, vars)
        except BaseException as error:
            queries.failed(frame, query, start_ns, error, queries.blocking())
            raise
        connection = None if is_named else self.connection
        flags = queries.blocking()
        queries.executed(frame, connection, query, vars, start_ns, self.rowcount, flags)
        return result

    original = base.execute
    many = queries.watched(base.executemany, queries.first_argument, _protect_of, queries.repeated)
    namespace = {
        "execute": execute,
        "executemany": many,
        "__module__": base.__module__,
        "__doc__": base.__doc__,
    }
    # each fetch of a server's cursor is a round trip; other cursors have their rows already
    for name in ("fetchone", "fetchmany", "fetchall") if is_named else ():
        namespace[name] = queries.watched(getattr(base, name), _last_query, _protect_of)
    return type(base.__name__, (base,), namespace)


def _last_query(cursor: "Any", *_: "Any", **__: "Any") -> "Any":
    return getattr(cursor, "_pinchpoint_query", "FETCH")


def _protect_of(cursor: "Any") -> None:
    _protect(cursor.connection)


def _protect(connection: "Any") -> None:
    """Make a session read-only; what the driver would do with the next BEGIN, it may forget."""
    try:
        if connection.readonly is not False and _is_read_only(connection):
            return
        status = connection.get_transaction_status()
        if status == _IDLE:
            if connection.readonly is False:  # it would BEGIN READ WRITE
                connection.readonly = True
            _execute(connection, libpq.READ_ONLY)
            if not connection.autocommit:
                _extensions.connection.commit(connection)
            connection._pinchpoint_is_protected = True  # noqa: SLF001
        elif status == _IN_TRANSACTION:
            _execute(connection, libpq.READ_ONLY_NOW)
    except Exception as error:
        quiet.note("psycopg2 guard", error)


def _is_read_only(connection: "Any") -> bool:
    value = connection.get_parameter_status(libpq.READ_ONLY_PARAMETER)
    if value is None:  # servers before 14 do not report it
        return getattr(connection, "_pinchpoint_is_protected", False)
    return bool(value == "on")


def _execute(connection: "Any", statement: str) -> None:
    _extensions.cursor(connection).execute(statement)


PATCHES = {"psycopg2": _patch}
