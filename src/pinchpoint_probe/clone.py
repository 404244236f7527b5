"""Copy a database, so that an index or a write can be tried without touching the original.

A script of its own, run by the application's interpreter for its driver: one JSON object on
standard input, one on standard output. It imports nothing of the probe, and it creates, changes
and drops only what has a name that begins with PREFIX.

Input: `action` (create, drop, migrate or sweep), `system` (postgresql or sqlite), `driver`
(asyncpg, psycopg or psycopg2), `parameters` of the application's connection, `database` (the
original), `clone` (its copy's name or path), `statements` to migrate, `live` run ids to keep in a
sweep, `largest_bytes` that may be copied.

Output: `{"ok": true, "seconds": .., "bytes": .., "indexes": [..], "dropped": [..]}`, or
`{"ok": false, "kind": "no-right" | "in-use" | "too-large" | "other", "error": ..}`.
"""

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PREFIX = "pinchpoint_"
LARGEST_BYTES = 2 << 30
"""A copy of more takes longer than an experiment should."""
_PATIENCE_S = 5.0
"""For other sessions to leave the database that is copied; the server itself waits 5 s a try."""
_INSUFFICIENT_PRIVILEGE, _OBJECT_IN_USE = "42501", "55006"


class RefusalError(Exception):
    """A reason not to act: its kind, and a text for the user."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def main() -> None:
    """Answer the one request on standard input."""
    request = json.load(sys.stdin)
    start_s = time.perf_counter()
    try:
        answer = {"ok": True, "bytes": 0, "indexes": [], "dropped": [], **act(request)}
        answer["seconds"] = time.perf_counter() - start_s
    except RefusalError as refusal:
        answer = {"ok": False, "kind": refusal.kind, "error": str(refusal)}
    except Exception as error:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        kinds = {_INSUFFICIENT_PRIVILEGE: "no-right", _OBJECT_IN_USE: "in-use"}
        answer = {"ok": False, "kind": kinds.get(code or "", "other"), "error": str(error).strip()}
    print(json.dumps(answer))  # noqa: T201  # that is its interface


def act(request: "dict[str, Any]") -> "dict[str, Any]":
    """Do what a request asks for.

    Raises:
        RefusalError: It may not be done.
        Exception: Whatever the driver raises.
    """
    if request["action"] != "sweep":
        check_name(request["clone"])
    actions = _SQLITE if request["system"] == "sqlite" else _POSTGRESQL
    return actions[request["action"]](request)


def check_name(clone: str) -> None:
    """Refuse every name that is not one of a clone of ours."""
    if not os.path.basename(clone).startswith(PREFIX):
        raise RefusalError("other", f"{clone!r} does not begin with {PREFIX}: it is not a clone")


def is_left_over(name: str, live: "list[str]") -> bool:
    """Whether a database is the clone of a run that is over: `pinchpoint_<run id>_<arm>`."""
    run_id = name.removeprefix(PREFIX).rpartition("_")[0]
    return name.startswith(PREFIX) and bool(run_id) and run_id not in live


def _create_postgresql(request: "dict[str, Any]") -> "dict[str, Any]":
    source, clone = request["database"], request["clone"]
    connection = _maintenance(request)
    try:
        size = _query(connection, f"SELECT pg_database_size({_literal(source)})")[0][0]
        _check_size(size, request)
        _copy(connection, source, clone)
    finally:
        connection.close()
    return {"bytes": size}


def _copy(connection: "Any", source: str, clone: str) -> None:
    strategy = " STRATEGY FILE_COPY" if _version(connection) >= 150000 else ""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            text = f"CREATE DATABASE {_quoted(clone)} TEMPLATE {_quoted(source)}{strategy}"
            _query(connection, text)
            return
        except Exception as error:  # noqa: PERF203  # that is the loop's purpose
            code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
            if code != _OBJECT_IN_USE or time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def _version(connection: "Any") -> int:
    return int(_query(connection, "SHOW server_version_num")[0][0])


def _drop_postgresql(request: "dict[str, Any]") -> "dict[str, Any]":
    connection = _maintenance(request)
    try:
        _drop(connection, request["clone"])
    finally:
        connection.close()
    return {"dropped": [request["clone"]]}


def _drop(connection: "Any", clone: str) -> None:
    check_name(clone)
    force = " WITH (FORCE)" if _version(connection) >= 130000 else ""
    _query(connection, f"DROP DATABASE IF EXISTS {_quoted(clone)}{force}")


def _sweep_postgresql(request: "dict[str, Any]") -> "dict[str, Any]":
    connection = _maintenance(request)
    try:
        names = _query(
            connection,
            "SELECT datname FROM pg_database WHERE pg_has_role(datdba, 'USAGE')",
        )
        dropped = [name for (name,) in names if is_left_over(name, request["live"])]
        for name in dropped:
            _drop(connection, name)
    finally:
        connection.close()
    return {"dropped": dropped}


def _migrate_postgresql(request: "dict[str, Any]") -> "dict[str, Any]":
    connection = _connect(request, request["clone"])
    list_indexes = "SELECT indexname FROM pg_indexes WHERE schemaname !~ '^pg_'"
    try:
        before = {name for (name,) in _query(connection, list_indexes)}
        for statement in request["statements"]:
            _query(connection, statement)
        after = {name for (name,) in _query(connection, list_indexes)}
        size = _query(connection, "SELECT pg_database_size(current_database())")[0][0]
    finally:
        connection.close()
    return {"indexes": sorted(after - before), "bytes": size}


def _maintenance(request: "dict[str, Any]") -> "Any":
    """A connection to a database that is not the one to be copied."""
    try:
        return _connect(request, "postgres")
    except Exception as error:
        try:
            return _connect(request, "template1")
        except Exception:  # the first reason is the one to tell
            raise error from None


def _connect(request: "dict[str, Any]", database: str) -> "Any":
    if request["driver"] == "asyncpg":
        return _Asyncpg({**request["parameters"], "database": database})
    parameters = {**request["parameters"], "dbname": database}
    if request["driver"] == "psycopg2":
        import psycopg2  # type: ignore[import-untyped]

        connection = psycopg2.connect(**parameters)
        connection.autocommit = True
        return connection
    import psycopg

    return psycopg.connect(autocommit=True, **parameters)


class _Asyncpg:
    """A connection of asyncpg that blocks, on a loop of its own."""

    def __init__(self, parameters: "dict[str, Any]") -> None:
        import asyncio

        import asyncpg

        self._loop = asyncio.new_event_loop()
        connecting = asyncpg.connect(**{**parameters, "command_timeout": None})
        self._connection = self._loop.run_until_complete(connecting)

    def query(self, text: str) -> "list[Any]":
        return list(self._loop.run_until_complete(self._connection.fetch(text)))

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()


def _query(connection: "Any", text: str) -> "list[Any]":
    if isinstance(connection, _Asyncpg):
        return connection.query(text)
    with connection.cursor() as cursor:
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []


def _check_size(size_bytes: int, request: "dict[str, Any]") -> None:
    largest_bytes = request.get("largest_bytes", LARGEST_BYTES)
    if size_bytes > largest_bytes:
        text = f"the database has {size_bytes} bytes; at most {largest_bytes} are copied"
        raise RefusalError("too-large", text)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _create_sqlite(request: "dict[str, Any]") -> "dict[str, Any]":
    import sqlite3

    size = os.path.getsize(request["database"])
    _check_size(size, request)
    source = sqlite3.connect(f"file:{_uri_path(request['database'])}?mode=ro", uri=True)
    try:
        copy = sqlite3.connect(request["clone"])
        try:
            source.backup(copy)
        finally:
            copy.close()
    finally:
        source.close()
    return {"bytes": size}


def _uri_path(path: str) -> str:
    from urllib.parse import quote

    return quote(os.path.abspath(path))


def _migrate_sqlite(request: "dict[str, Any]") -> "dict[str, Any]":
    import sqlite3

    connection = sqlite3.connect(request["clone"])
    list_indexes = "SELECT name FROM sqlite_master WHERE type = 'index'"
    try:
        before = {name for (name,) in connection.execute(list_indexes)}
        for statement in request["statements"]:
            connection.execute(statement)
        connection.commit()
        after = {name for (name,) in connection.execute(list_indexes)}
    finally:
        connection.close()
    return {"indexes": sorted(after - before), "bytes": os.path.getsize(request["clone"])}


def _drop_sqlite(request: "dict[str, Any]") -> "dict[str, Any]":
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(request["clone"] + suffix):
            os.remove(request["clone"] + suffix)
    return {"dropped": [request["clone"]]}


def _sweep_sqlite(request: "dict[str, Any]") -> "dict[str, Any]":
    """Drop the clones in the folder of `clone`, whose own name does not matter."""
    folder = os.path.dirname(os.path.abspath(request["clone"]))
    left_over = [name for name in os.listdir(folder) if _is_left_over_file(name, request["live"])]
    for name in left_over:
        os.remove(os.path.join(folder, name))
    return {"dropped": sorted(left_over)}


def _is_left_over_file(name: str, live: "list[str]") -> bool:
    return is_left_over(name.partition(".")[0], live)


_POSTGRESQL = {
    "create": _create_postgresql,
    "drop": _drop_postgresql,
    "migrate": _migrate_postgresql,
    "sweep": _sweep_postgresql,
}
_SQLITE = {
    "create": _create_sqlite,
    "drop": _drop_sqlite,
    "migrate": _migrate_sqlite,
    "sweep": _sweep_sqlite,
}

if __name__ == "__main__":
    main()
