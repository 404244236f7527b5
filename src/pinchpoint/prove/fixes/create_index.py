"""Create an index on the columns that a query filters by.

Answers: DB002, a query that reads a whole table for a few rows.
Applied: `CREATE INDEX` and `ANALYZE` on a clone of the database, never on the original.
Free-form: `create_index=orders.customer_id`, with more columns after commas.
Costs you: each INSERT and each UPDATE of these columns maintains the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinchpoint.model.finding import Finding

ANSWERS = ("DB002",)
OPTION = "create_index=TABLE.COLUMN"


def candidates(finding: Finding) -> Iterator[tuple[str, dict[str, str]]]:
    """One index on the columns of the finding, in their order."""
    known = finding.parameters
    if known.get("table") and known.get("columns"):
        yield _change(known["table"], known["columns"])


def read(value: str) -> tuple[str, dict[str, str]]:
    """Read `orders.customer_id,created`; the table may have its schema in front.

    Raises:
        ValueError: There is no table or no column.
    """
    table, _, columns = value.rpartition(".")
    if not table or not all(_split(columns)):
        raise ValueError("expected a table and its columns, such as orders.customer_id")
    return _change(table, columns)


def migrate(parameters: Mapping[str, str]) -> list[str]:
    """The statements for the clone."""
    table, columns = parameters["table"], _split(parameters["columns"])
    name = "_".join(["pinchpoint", table.rpartition(".")[2], *columns, "idx"])
    target = ".".join(_quote(part) for part in table.split("."))
    return [
        f"CREATE INDEX {_quote(name)} ON {target} ({', '.join(map(_quote, columns))})",
        f"ANALYZE {target}",
    ]


def _change(table: str, columns: str) -> tuple[str, dict[str, str]]:
    columns = ", ".join(_split(columns))
    return f"Create an index on {table} ({columns})", {"table": table, "columns": columns}


def _split(columns: str) -> list[str]:
    return [column.strip() for column in columns.split(",")]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
