"""Ask a database on a second connection: plans of statements, values of columns, its name.

Nothing is written: the session is read-only, limited in time, and rolled back.
"""

from pinchpoint_probe import masking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pinchpoint_probe.databases import Database

_TIMEOUT_MS = 5_000
_LARGE_ROWS = 10_000
"""From here on a table is sampled by pages instead of read from its beginning."""
_SPARE = 20
"""Rows to ask of a sample for each row that is wanted: pages hold many that resemble."""
_PAGES = 30
"""Each page is taken or not by chance: from this many on, taking none will not happen (e^-30)."""


def name(database: "Database") -> str:
    """The database's own name, or the path of its file."""
    with _Session(database) as run:
        if database.system == "sqlite":
            return str(run("PRAGMA database_list")[0][2])
        return str(run("SELECT current_database()")[0][0])


def active_s(database: "Database") -> float:
    """For how long the database's sessions have executed statements so far, all together.

    PostgreSQL keeps this account since 14; a session adds to it once a second at most.

    Raises:
        Exception: Whatever the driver raises, also if there is no such account.
    """
    if database.system != "postgresql":
        raise ValueError("it keeps no account of its time")
    with _Session(database) as run:
        own = "SELECT active_time FROM pg_stat_database WHERE datname = current_database()"
        return float(run(own)[0][0]) / 1e3


def explain(database: "Database", text: str, parameters: "Any") -> "dict[str, Any]":
    """How a statement is executed. PostgreSQL does execute it, as only that counts its rows.

    Returns:
        `plan`: PostgreSQL's tree with literals masked, or the lines of SQLite's
        EXPLAIN QUERY PLAN; `tables`: name -> {"rows": estimate, -1 if there is none}.

    Raises:
        ValueError: It is neither SELECT nor WITH.
        Exception: Whatever the driver raises; the message may quote parameters.
    """
    if not text.lstrip(" \t\r\n(").lower().startswith(("select", "with")):
        raise ValueError("only queries are explained")
    with _Session(database) as run:
        if database.system == "sqlite":
            statement = text.replace("%s", "?").replace("%%", "%")  # as Django writes them
            lines = [row[3] for row in run(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            return {"plan": lines, "tables": _sqlite_tables(run, text)}
        tree = run(f"EXPLAIN (ANALYZE, TIMING ON, FORMAT JSON) {text}", parameters)[0][0]
        if isinstance(tree, str):  # asyncpg leaves it to the application to decode
            import json

            tree = json.loads(tree)
        relations = sorted(set(_relations(tree[0]["Plan"])))
        return {"plan": masking.mask_plan(tree), "tables": _postgresql_tables(run, relations)}


def sample(database: "Database", table: str, column: str, limit: int) -> "list[Any]":
    """Values of a column that are not null, from all over the table.

    Args:
        database: Where to look.
        table: Its name, after its schema and a dot if need be.
        column: Its name.
        limit: How many at most.

    Raises:
        Exception: Whatever the driver raises, also if there is no such column.
    """
    with _Session(database) as run:
        if database.system == "sqlite":
            rows = _sqlite_sample(run, _quoted(table), _quoted(column), limit)
        else:
            rows = _postgresql_sample(run, _quoted(table), _quoted(column), limit)
    return [value if isinstance(value, str | int | float) else str(value) for (value,) in rows]


class _Session:
    """A read-only connection; inside `with` a function that executes and fetches all."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def __enter__(self) -> "Any":
        self._connection = self._database.open(self._database.parameters)
        if self._database.system == "sqlite":
            self._run("PRAGMA query_only = ON")
        else:
            self._run("BEGIN READ ONLY")
            self._run(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
            self._run("SET LOCAL client_encoding = 'UTF8'")  # psycopg has bytes for SQL_ASCII
        return self._run

    def __exit__(self, *_: object) -> None:
        self._connection.close()  # rolls back

    def _run(self, text: str, parameters: "Any" = None) -> "list[Any]":
        cursor = self._connection.cursor()
        cursor.execute(text, *(() if parameters is None else (parameters,)))
        return list(cursor.fetchall()) if cursor.description else []


def _relations(node: "dict[str, Any]") -> "Iterator[str]":
    if "Relation Name" in node:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _relations(child)


def _postgresql_tables(run: "Any", relations: "list[str]") -> "dict[str, Any]":
    names = ", ".join(map(_literal, relations))
    found = run(
        "SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p', 'm')"  # noqa: S608  # quoted
        f" AND relname = ANY(ARRAY[{names}]::text[]) AND pg_table_is_visible(oid)"
    )
    return {relation: {"rows": int(rows)} for relation, rows in found}


def _sqlite_tables(run: "Any", text: str) -> "dict[str, Any]":
    words = set(masking.words(text.lower()))
    names = [row[0] for row in run("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: {"rows": _sqlite_rows(run, table)} for table in names if table.lower() in words}


def _sqlite_rows(run: "Any", table: str) -> int:
    """ANALYZE's count, or the largest rowid: an estimate that needs no scan."""
    if run("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"):
        rows = run("SELECT stat FROM sqlite_stat1 WHERE tbl = ? LIMIT 1", (table,))
        if rows:
            return int(rows[0][0].split()[0])
    try:
        return int(run(f"SELECT max(rowid) FROM {_quoted(table)}")[0][0] or 0)  # noqa: S608  # quoted
    except Exception:  # a table WITHOUT ROWID
        return -1


def _postgresql_sample(run: "Any", table: str, column: str, limit: int) -> "list[Any]":
    wanted = f"WHERE {column} IS NOT NULL"
    this = f"to_regclass({_literal(table)})"
    sizes = run(f"SELECT reltuples, relpages FROM pg_class WHERE oid = {this}")  # noqa: S608  # quoted
    rows, pages = sizes[0] if sizes else (0, 0)
    if rows > _LARGE_ROWS and pages > 0:  # a partitioned table has no pages of its own
        percent = min(100.0, 100 * max(_SPARE * limit / rows, _PAGES / pages))
        source = f"{table} TABLESAMPLE SYSTEM ({percent:.6f}) {wanted} ORDER BY random()"
        found = run(f"SELECT {column} FROM {source} LIMIT {limit:d}")  # noqa: S608  # quoted
        if len(found) == limit:
            return found  # type: ignore[no-any-return]
    return run(f"SELECT {column} FROM {table} {wanted} LIMIT {limit:d}")  # type: ignore[no-any-return]  # noqa: S608  # quoted


def _sqlite_sample(run: "Any", table: str, column: str, limit: int) -> "list[Any]":
    select = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608  # quoted
    try:
        low, high = run(f"SELECT min(rowid), max(rowid) FROM {table}")[0]  # noqa: S608  # quoted
    except Exception:  # a table WITHOUT ROWID
        return run(f"{select} LIMIT ?", (limit,))  # type: ignore[no-any-return]
    if low is None or high - low < limit:
        return run(f"{select} LIMIT ?", (limit,))  # type: ignore[no-any-return]
    step = (high - low) / limit
    starts = (low + int(number * step) for number in range(limit))
    found = (run(f"{select} AND rowid >= ? ORDER BY rowid LIMIT 1", (at,)) for at in starts)
    return [row for rows in found for row in rows]


def _literal(text: str) -> str:
    """A text in SQL: the drivers agree on no placeholder."""
    return "'" + text.replace("'", "''") + "'"


def _quoted(identifier: str) -> str:
    return ".".join(f'"{part}"' for part in identifier.replace('"', '""').split("."))
