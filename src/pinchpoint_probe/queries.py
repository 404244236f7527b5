"""Record statements: what the hooks of all database drivers share."""

from pinchpoint_probe import databases, quiet, spans, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

NOTICEABLE_NS = 50_000
"""A fetch, commit or rollback below this is left to the application's own code: most of them
only hand over what the driver has already, and the record would cost as much as they do."""

_READ_ONLY_STATE = "25006"  # PostgreSQL: read_only_sql_transaction
_READ_ONLY_TEXT = "readonly database"  # SQLite's message; it has no error codes before 3.11


def blocking() -> int:
    """The flag of a call that blocks its thread: BLOCKED_LOOP where that runs a loop."""
    return wire.BLOCKED_LOOP if spans.is_on_loop() else 0


def text(query: "Any", connection: "Any" = None) -> str:
    """The text of a statement that is a string, bytes or a driver's composed object."""
    if isinstance(query, str):
        return query
    if isinstance(query, bytes | bytearray | memoryview):
        return bytes(query).decode("utf-8", "replace")
    as_string = getattr(query, "as_string", None)
    return str(as_string(connection) if as_string else query)


def executed(  # noqa: PLR0913, PLR0917  # called positionally, on the hot path
    frame: spans.Frame,
    connection: "Any",
    query: "Any",
    parameters: "Any",
    start_ns: int,
    rows: int,
    flags: int,
) -> None:
    """Record a statement that succeeded, and remember its parameters for EXPLAIN.

    Args:
        frame: From `spans.active()`.
        connection: Carries the database as `_pinchpoint_database`; None to remember nothing.
        query: As the application passed it.
        parameters: Likewise.
        start_ns: When it began.
        rows: The driver's row count; -1 if it has none.
        flags: Of wire.
    """
    try:
        name = text(query, connection)
        database = getattr(connection, "_pinchpoint_database", None)
        if database is not None:
            databases.remember_statement(name, database, parameters)
        spans.leaf(frame, wire.SQL, name, start_ns, rows, flags)
    except Exception as error:
        quiet.note("queries", error)


def failed(
    frame: spans.Frame, query: "Any", start_ns: int, error: BaseException, flags: int
) -> None:
    """Record a statement that raised; one that a read-only session refused counts as refused."""
    try:
        flags |= wire.FAILED
        if _is_refused(error):
            frame.request.refusals += 1
            flags |= wire.REFUSED
        spans.leaf(frame, wire.SQL, text(query), start_ns, -1, flags)
    except Exception as own_error:
        quiet.note("queries", own_error)


def noticed(frame: spans.Frame, query: "Any", start_ns: int, rows: int, flags: int) -> None:
    """Record the fetching of rows, a commit or a rollback, if it took noticeable time."""
    try:
        if spans.now_ns() - start_ns > NOTICEABLE_NS:
            spans.leaf(frame, wire.SQL, text(query), start_ns, rows, flags | wire.CONTINUED)
    except Exception as error:
        quiet.note("queries", error)


def watched(
    original: "Callable[..., Any]",
    statement: "Callable[..., Any]",
    protect: "Callable[[Any], None] | None" = None,
    record: "Callable[[spans.Frame, Any, int, int, int], None]" = noticed,
) -> "Callable[..., Any]":
    """Wrap a driver's method that executes, fetches or ends a transaction.

    Args:
        original: The method.
        statement: Called like the method; the statement that it executes or whose rows it fetches.
        protect: Called with the method's object first, to make its session read-only.
        record: `noticed`, or `repeated` for what is always worth a record.
    """

    def call(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if protect is not None and state.is_guarded():
            protect(self)
        frame = spans.active()
        if frame is None:
            return original(self, *args, **kwargs)
        start_ns = spans.now_ns()
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            failed(frame, _ask(statement, self, args, kwargs), start_ns, error, blocking())
            raise
        if record is noticed and spans.now_ns() - start_ns <= NOTICEABLE_NS:
            return result
        query = _ask(statement, self, args, kwargs)
        record(frame, query, start_ns, _rows(self, result), blocking())
        return result

    return named_like(original, call)


def watched_async(
    original: "Callable[..., Any]",
    statement: "Callable[..., Any]",
    protect: "Callable[[Any], Awaitable[None]] | None" = None,
    record: "Callable[[spans.Frame, Any, int, int, int], None]" = noticed,
) -> "Callable[..., Any]":
    """Like `watched`, for a coroutine method."""

    async def call(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if protect is not None and state.is_guarded():
            await protect(self)
        frame = spans.active()
        if frame is None:
            return await original(self, *args, **kwargs)
        start_ns = spans.now_ns()
        try:
            result = await original(self, *args, **kwargs)
        except BaseException as error:
            failed(frame, _ask(statement, self, args, kwargs), start_ns, error, 0)
            raise
        if record is noticed and spans.now_ns() - start_ns <= NOTICEABLE_NS:
            return result
        query = _ask(statement, self, args, kwargs)
        record(frame, query, start_ns, _rows(self, result), 0)
        return result

    return named_like(original, call)


def repeated(frame: spans.Frame, query: "Any", start_ns: int, rows: int, flags: int) -> None:
    """Record a statement without remembering its parameters."""
    executed(frame, None, query, None, start_ns, rows, flags)


def first_argument(_: "Any", query: "Any" = "", *__: "Any", **___: "Any") -> "Any":
    """The statement of a method that takes it first."""
    return query


def named_like(original: "Any", new: "Callable[..., Any]") -> "Callable[..., Any]":
    """Give a function the name and the docstring of the one that it replaces."""
    new.__name__ = original.__name__
    new.__qualname__ = original.__qualname__
    new.__doc__ = original.__doc__
    return new


def connected(name: str, start_ns: int, *, has_failed: bool, flags: int) -> None:
    """Record that a connection was opened, or could not be."""
    try:
        frame = spans.active()
        if frame is not None:
            flags |= wire.FAILED if has_failed else 0
            spans.leaf(frame, wire.CONNECT, name, start_ns, flags=flags)
    except Exception as error:
        quiet.note("queries", error)


def _ask(
    statement: "Callable[..., Any]", self: "Any", args: "tuple[Any, ...]", kwargs: "dict[str, Any]"
) -> "Any":
    try:
        return statement(self, *args, **kwargs)
    except Exception as error:
        quiet.note("queries", error)
        return ""


def _rows(cursor: "Any", result: "Any") -> int:
    if isinstance(result, list):
        return len(result)
    rows = getattr(cursor, "rowcount", -1)
    return rows if isinstance(rows, int) else -1


def _is_refused(error: BaseException) -> bool:
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return code == _READ_ONLY_STATE or _READ_ONLY_TEXT in str(error)
