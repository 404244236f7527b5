"""What a statement compares: the little of SQL that the walk has to understand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import expressions as exp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\$\d+|\?|(?<!:):[A-Za-z_]\w*")
_COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike, exp.In)


def parse(statement: str, system: str = "postgresql") -> exp.Expression | None:
    """The tree of a statement with any driver's placeholders; None if it is not understood."""
    text = _PLACEHOLDER.sub("0", statement)
    try:
        tree = sqlglot.parse_one(text, dialect=_DIALECTS.get(system))
    except sqlglot.errors.SqlglotError:
        return None
    return tree if isinstance(tree, exp.Expression) else None


def tables(tree: exp.Expression) -> Mapping[str, str]:
    """Table names by the alias that the statement uses for them."""
    return {table.alias_or_name: _name(table) for table in tree.find_all(exp.Table)}


def compared_columns(tree: exp.Expression, alias: str) -> tuple[str, ...]:
    """The columns of one table that WHERE compares with a value, in order."""
    where = tree.find(exp.Where)
    if where is None:
        return ()
    is_only = len(tables(tree)) == 1
    found = [
        column.name
        for comparison in where.find_all(*_COMPARISONS)
        if isinstance(column := comparison.this, exp.Column)
        and not isinstance(comparison.args.get("expression"), exp.Column)
        and (column.table == alias or (is_only and not column.table))
    ]
    return tuple(dict.fromkeys(found))


def sorted_columns(tree: exp.Expression) -> tuple[str, ...]:
    """The plain columns of ORDER BY, in order."""
    order = tree.find(exp.Order)
    if order is None:
        return ()
    return tuple(column.name for column in order.find_all(exp.Column))


def lookups(statements: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The tables and columns that SELECTs compare with a placeholder, in order, each once."""
    found: dict[tuple[str, str], None] = {}
    for statement in statements:
        tree = parse(statement)
        if not isinstance(tree, exp.Select):
            continue
        for alias, table in tables(tree).items():
            found |= dict.fromkeys((table, column) for column in compared_columns(tree, alias))
    yield from found


def is_key_of(table: str, column: str, parameter: str) -> bool:
    """Whether a parameter's name says that it is this column: `slug`, or `user_id` for `users.id`.

    `id` and `pk` may be the key of any table.
    """
    if parameter in {"id", "pk"}:
        return column in {"id", "pk", "uuid"}
    if parameter == column:
        return True
    noun, _, suffix = parameter.rpartition("_")
    last = table.rpartition(".")[2].lower()
    is_of_table = f"_{last}".endswith((f"_{noun}", f"_{noun}s", f"_{noun}es"))
    return bool(noun) and is_of_table and column in {suffix, "id", "pk"}


def _name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db else table.name
