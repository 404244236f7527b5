"""aiosqlite: statements, as the request that awaits them sees them.

It runs sqlite3 in a thread of its own, outside of the request's context, so that the hook of
sqlite3 keeps the session read-only there but has nothing to record.
"""

from pinchpoint_probe import patching, queries, quiet, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_EXECUTES = ("execute", "executemany", "executescript", "_execute_fetchall", "_execute_insert")
_FETCHES = ("fetchone", "fetchmany", "fetchall")
_ENDS = ("commit", "rollback")


def _patch(module: "ModuleType") -> None:
    async def observed(
        self: "Any", fn: "Callable[..., Any]", *args: "Any", **kwargs: "Any"
    ) -> "Any":
        frame = spans.active()
        if frame is None:
            return await original(self, fn, *args, **kwargs)
        start_ns = spans.now_ns()
        try:
            result = await original(self, fn, *args, **kwargs)
        except BaseException as error:
            queries.failed(frame, _statement(fn, args), start_ns, error, 0)
            raise
        _record(frame, fn, args, result, start_ns)
        return result

    original = patching.replace(module.Connection, "_execute", observed)


def _record(
    frame: spans.Frame, fn: "Any", args: "tuple[Any, ...]", result: "Any", start_ns: int
) -> None:
    try:
        name, statement = fn.__name__, _statement(fn, args)
        if name in _EXECUTES:
            cursor = result if hasattr(result, "rowcount") else fn.__self__
            if hasattr(cursor, "rowcount"):
                cursor._pinchpoint_query = statement  # noqa: SLF001
            connection = getattr(cursor, "connection", None) if name == "execute" else None
            parameters = args[1] if len(args) > 1 else ()
            rows = getattr(cursor, "rowcount", -1)
            queries.executed(frame, connection, statement, parameters, start_ns, rows, 0)
        elif name in _FETCHES + _ENDS:
            rows = len(result) if isinstance(result, list) else -1
            queries.noticed(frame, statement, start_ns, rows, 0)
    except Exception as error:
        quiet.note("aiosqlite", error)


def _statement(fn: "Any", args: "tuple[Any, ...]") -> str:
    name = getattr(fn, "__name__", "")
    if name in _ENDS:
        return name.upper()
    if name in _EXECUTES and args:
        return queries.text(args[0])
    return queries.text(getattr(getattr(fn, "__self__", None), "_pinchpoint_query", "FETCH"))


PATCHES = {"aiosqlite.core": _patch}
