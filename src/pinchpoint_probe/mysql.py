"""MySQL and MariaDB: what the hooks of their drivers have in common.

A session is made read-only by `SET SESSION TRANSACTION READ ONLY`, as soon as it is open or else
before its next statement; a write then fails with error 1792. It holds from the next transaction
on: one that is open when the guard comes can still write, as can temporary tables and what asks
for `READ WRITE` itself. Neither clones nor plans are made of these databases.

This has been tried with imitations of the drivers and not with a server: that the server refuses
is what its manual says ("SET TRANSACTION", "Server Error Message Reference").
"""

from pinchpoint_probe import patching, queries, quiet, spans, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from typing import Any

READ_ONLY = "SET SESSION TRANSACTION READ ONLY"
_REFUSED = 1792  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
_NO_COUNT = 1 << 63
"""From here on a row count is the protocol's -1: the rows have not been fetched yet."""


def patch_connection(cls: "Any", connect: str, name_of: "Callable[..., Any]") -> None:
    """Guard and record the connections of a driver that blocks.

    Args:
        cls: The class of connections; its `query` sends every statement.
        connect: Its method that connects.
        name_of: Called like that method; the database's name, if any.
    """

    def observed_query(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        protect(self)
        return query(self, *args, **kwargs)

    def observed_connect(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        self._pinchpoint_is_protected = False
        span = _begin(name_of, self, args, kwargs)
        try:
            result = original(self, *args, **kwargs)
        except BaseException:
            _end(span, wire.FAILED | queries.blocking())
            raise
        _end(span, queries.blocking())
        protect(self)
        return result

    def protect(connection: "Any") -> None:
        if _is_due(connection):
            connection._pinchpoint_is_protected = True  # noqa: SLF001
            try:
                query(connection, READ_ONLY)
            except Exception as error:
                _give_up(connection, error)

    query = patching.replace(cls, "query", observed_query)
    original = patching.replace(cls, connect, observed_connect)


def patch_async_connection(cls: "Any", connect: str, name_of: "Callable[..., Any]") -> None:
    """As `patch_connection`, for coroutine methods."""

    async def observed_query(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        await protect(self)
        return await query(self, *args, **kwargs)

    async def observed_connect(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        self._pinchpoint_is_protected = False
        span = _begin(name_of, self, args, kwargs)
        try:
            result = await original(self, *args, **kwargs)
        except BaseException:
            _end(span, wire.FAILED)
            raise
        _end(span, 0)
        await protect(self)
        return result

    async def protect(connection: "Any") -> None:
        if _is_due(connection):
            connection._pinchpoint_is_protected = True  # noqa: SLF001
            try:
                await query(connection, READ_ONLY)
            except Exception as error:
                _give_up(connection, error)

    query = patching.replace(cls, "query", observed_query)
    original = patching.replace(cls, connect, observed_connect)


def patch_cursor(cls: "Any") -> None:
    """Record the statements of a driver that blocks, with their placeholders."""
    for name in ("execute", "executemany"):
        _watch(cls, name)


def _watch(cls: "Any", name: str) -> None:
    def call(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return original(self, *args, **kwargs)
        statement = queries.first_argument(self, *args, **kwargs)
        token = spans.current.set(None)  # executemany calls execute, with the values in its text
        start_ns = spans.now_ns()
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            _failed(frame, statement, start_ns, error, queries.blocking())
            raise
        finally:
            spans.current.reset(token)
        queries.repeated(frame, statement, start_ns, _rows(self), queries.blocking())
        return result

    original = patching.replace(cls, name, call)


def patch_async_cursor(cls: "Any") -> None:
    """As `patch_cursor`, for coroutine methods."""
    for name in ("execute", "executemany"):
        _watch_async(cls, name)


def _watch_async(cls: "Any", name: str) -> None:
    async def call(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await original(self, *args, **kwargs)
        statement = queries.first_argument(self, *args, **kwargs)
        token = spans.current.set(None)  # as above
        start_ns = spans.now_ns()
        try:
            result = await original(self, *args, **kwargs)
        except BaseException as error:
            _failed(frame, statement, start_ns, error, 0)
            raise
        finally:
            _resume(token)
        queries.repeated(frame, statement, start_ns, _rows(self), 0)
        return result

    original = patching.replace(cls, name, call)


def _resume(token: "Token[spans.Frame | None]") -> None:
    """Let inner calls be recorded again."""
    try:  # noqa: SIM105  # contextlib would be one more import
        spans.current.reset(token)
    except ValueError:  # the coroutine was closed from another context
        pass


def _is_due(connection: "Any") -> bool:
    is_protected = getattr(connection, "_pinchpoint_is_protected", False)
    return state.is_guarded() and not is_protected


def _give_up(connection: "Any", error: Exception) -> None:
    """Leave it to the application's own statement to fail, and try again before the next one."""
    connection._pinchpoint_is_protected = False  # noqa: SLF001
    quiet.note("mysql guard", error)


def _begin(
    name_of: "Callable[..., Any]", connection: "Any", args: "Any", kwargs: "Any"
) -> "spans.Open | None":
    try:
        frame = spans.active()
        if frame is None:
            return None
        name = name_of(connection, *args, **kwargs) or ""
        return spans.enter(frame, wire.CONNECT, f"mysql {queries.text(name)}")
    except Exception as error:
        quiet.note("mysql", error)
        return None


def _end(span: "spans.Open | None", flags: int) -> None:
    try:
        if span is not None:
            spans.leave(span, flags=flags)
    except Exception as error:
        quiet.note("mysql", error)


def _failed(
    frame: spans.Frame, statement: "Any", start_ns: int, error: BaseException, flags: int
) -> None:
    if error.args[:1] == (_REFUSED,):
        frame.request.refusals += 1
        flags |= wire.REFUSED
    queries.failed(frame, statement, start_ns, error, flags)


def _rows(cursor: "Any") -> int:
    rows = getattr(cursor, "rowcount", -1)
    return rows if isinstance(rows, int) and rows < _NO_COUNT else -1
