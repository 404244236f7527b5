"""sqlite3: statements, fetches, connects; query_only; clones.

Its connection and cursor are C types, so `connect` makes subclasses of them, or of the classes
that the application chose. SQLite computes rows while they are fetched, hence fetches are timed.
"""

import os

from pinchpoint_probe import databases, patching, queries, quiet, spans, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType
    from typing import Any

_FACTORY = 4
"""Position of `factory` among the arguments that follow `database`."""

_sqlite3: "Any" = None
_connection_classes: "dict[type, type]" = {}
_cursor_classes: "dict[type, type]" = {}


def _patch(module: "ModuleType") -> None:
    global _sqlite3
    _sqlite3 = module
    original = module.connect

    def open_again(parameters: "Mapping[str, Any]") -> "Any":
        return original(parameters["database"], uri=parameters["uri"], timeout=1)

    def connect(database: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        known, target = None, database
        try:
            known = _describe(database, args, kwargs, open_again)
            if known is not None and databases.clone_of(known.name):
                target = known.parameters["database"]
            args = _observe_factory(args, kwargs)
        except Exception as error:
            quiet.note("sqlite3.connect", error)
        name = os.path.basename(known.name) if known is not None else ":memory:"
        start_ns = spans.now_ns()
        try:
            connection = original(target, *args, **kwargs)
        except BaseException:
            queries.connected(name, start_ns, has_failed=True, flags=queries.blocking())
            raise
        queries.connected(name, start_ns, has_failed=False, flags=queries.blocking())
        _adopt(connection, known)
        return connection

    patching.replace(module, "connect", connect)
    patching.replace(module.dbapi2, "connect", connect)


def _describe(
    database: "Any", args: "tuple[Any, ...]", kwargs: "dict[str, Any]", open_again: "Any"
) -> "databases.Database | None":
    """The file that will be opened; None for a database in memory."""
    given = os.fsdecode(database)
    is_uri = bool(kwargs.get("uri", args[_FACTORY + 2] if len(args) > _FACTORY + 2 else False))
    is_uri = is_uri and given.startswith("file:")
    path, _, options = given.partition("?") if is_uri else (given, "", "")
    path = _uri_path(path) if is_uri else path
    if not path or path == ":memory:" or "mode=memory" in options:
        return None
    name = os.path.realpath(path)
    target = databases.clone_of(name) or name
    if is_uri:
        target = f"file:{_quote(target)}{'?' + options if options else ''}"
    parameters = {"database": target, "uri": is_uri}
    return databases.Database("sqlite", "sqlite3", name, parameters, open_again)


def _uri_path(uri: str) -> str:
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(uri).path)


def _quote(path: str) -> str:
    from urllib.parse import quote

    return quote(path)


def _observe_factory(args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "tuple[Any, ...]":
    if len(args) > _FACTORY:
        factory = _observed_connection(args[_FACTORY])
        return (*args[:_FACTORY], factory, *args[_FACTORY + 1 :])
    kwargs["factory"] = _observed_connection(kwargs.get("factory", _sqlite3.Connection))
    return args


def _adopt(connection: "Any", known: "databases.Database | None") -> None:
    try:
        if known is not None:
            connection._pinchpoint_database = databases.remember(known)  # noqa: SLF001
    except Exception as error:  # made by a factory that is no class
        quiet.note("sqlite3.connect", error)
    if state.is_guarded():
        _protect(connection)


def _observed_connection(factory: "Any") -> "Any":
    if not isinstance(factory, type) or not issubclass(factory, _sqlite3.Connection):
        return factory
    known = _connection_classes.get(factory)
    if known is None:
        known = _connection_classes[factory] = _subclass_connection(factory)
    return known


def _subclass_connection(base: "Any") -> type:
    def cursor(self: "Any", factory: "Any" = None) -> "Any":
        return base.cursor(self, _observed_cursor(factory or _sqlite3.Cursor))

    def own_cursor(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        return _observe(base.cursor(self, *args, **kwargs))

    has_own_cursors = base.cursor is not _sqlite3.Connection.cursor
    namespace: dict[str, Any] = {"cursor": own_cursor if has_own_cursors else cursor}
    for name in ("commit", "rollback"):

        def statement(*_: "Any", name: str = name) -> str:
            return name.upper()

        namespace[name] = queries.watched(getattr(base, name), statement)
    for name in ("execute", "executemany", "executescript"):
        if getattr(base, name) is getattr(_sqlite3.Connection, name):
            namespace[name] = _through_cursor(name)
    return _subclass(base, namespace)


def _observe(cursor: "Any") -> "Any":
    """Observe a cursor that the application's own connection made, if its class allows it."""
    try:
        cursor.__class__ = _observed_cursor(type(cursor))
    except TypeError:  # a C type or one with slots: its layout cannot change
        return cursor
    return cursor


def _through_cursor(name: str) -> "Any":
    """A short cut of a connection, which in C makes a plain cursor and calls its method."""

    def call(self: "Any", *args: "Any") -> "Any":
        cursor = _sqlite3.Connection.cursor(self, _observed_cursor(_sqlite3.Cursor))
        return getattr(cursor, name)(*args)

    return queries.named_like(getattr(_sqlite3.Connection, name), call)


def _observed_cursor(factory: "Any") -> "Any":
    if not isinstance(factory, type) or not issubclass(factory, _sqlite3.Cursor):
        return factory
    known = _cursor_classes.get(factory)
    if known is None:
        known = _cursor_classes[factory] = _subclass_cursor(factory)
    return known


def _subclass_cursor(base: "Any") -> type:
    def execute(self: "Any", sql: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if state.is_guarded():
            _protect(self.connection)
        frame = spans.active()
        if frame is None:
            return original(self, sql, *args, **kwargs)
        self._pinchpoint_query = sql
        start_ns = spans.now_ns()
        try:
            result = original(self, sql, *args, **kwargs)
        except BaseException as error:
            queries.failed(frame, sql, start_ns, error, queries.blocking())
            raise
        parameters = args[0] if args else kwargs.get("params", ())
        flags = queries.blocking()
        queries.executed(frame, self.connection, sql, parameters, start_ns, self.rowcount, flags)
        return result

    def iterate(self: "Any") -> "Iterator[Any]":
        frame = spans.active()
        return base.__iter__(self) if frame is None else _rows(self, frame, base.__next__)

    original = base.execute
    first, again = queries.first_argument, queries.repeated
    namespace = {
        "execute": execute,
        "executemany": queries.watched(base.executemany, first, _protect_of, again),
        "executescript": queries.watched(base.executescript, first, _protect_of, again),
        "__iter__": iterate,
    }
    for name in ("fetchone", "fetchmany", "fetchall"):
        namespace[name] = queries.watched(getattr(base, name), _last_query)
    return _subclass(base, namespace)


def _rows(cursor: "Any", frame: spans.Frame, next_row: "Any") -> "Iterator[Any]":
    while True:
        start_ns = spans.now_ns()
        try:
            row = next_row(cursor)
        except StopIteration:
            return
        queries.noticed(frame, _last_query(cursor), start_ns, 1, queries.blocking())
        yield row


def _subclass(base: "Any", namespace: "dict[str, Any]") -> type:
    return type(base.__name__, (base,), {"__module__": base.__module__, **namespace})


def _last_query(cursor: "Any", *_: "Any", **__: "Any") -> "Any":
    return getattr(cursor, "_pinchpoint_query", "FETCH")


def _protect_of(cursor: "Any") -> None:
    _protect(cursor.connection)


def _protect(connection: "Any") -> None:
    try:
        if not getattr(connection, "_pinchpoint_is_protected", False):
            _sqlite3.Cursor(connection).execute("PRAGMA query_only = ON")
            connection._pinchpoint_is_protected = True  # noqa: SLF001
    except Exception as error:
        quiet.note("sqlite3 guard", error)


PATCHES = {"sqlite3": _patch}
