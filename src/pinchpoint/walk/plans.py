"""Turn the databases' explanations, which the probe fetched, into plans."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pinchpoint.model.recording import Plan, Scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_COLUMN = re.compile(
    r"""\(?"?(?:\w+"?\.)?"?([A-Za-z_]\w*)"?\)?(?:::[\w ]+(?:\(\d+\))?)?\s*"""
    r"""(?:=|<|>|<=|>=|~~\*?|ILIKE|LIKE|IS)\s""",
)
_SQLITE_NODE = re.compile(r"^(SCAN|SEARCH) (?:TABLE \S+ AS )?(?:TABLE )?(\S+)(.*)$")
_WORDS = {"AND", "OR", "NOT", "NULL", "IS", "ANY", "IN"}


def parse_plan(answer: Mapping[str, Any]) -> Plan | None:
    """Read one entry of the probe's `explain` answer; None if it was refused or failed."""
    if answer.get("error") or not answer.get("plan"):
        return None
    tables = {name: int(facts["rows"]) for name, facts in answer.get("tables", {}).items()}
    read = _postgresql if answer["system"] == "postgresql" else _sqlite
    return read(str(answer["statement"]), answer["plan"], tables)


def _postgresql(statement: str, tree: Any, tables: Mapping[str, int]) -> Plan:
    document = tree[0] if isinstance(tree, list) else tree
    root = document["Plan"]
    nodes = list(_nodes(root, 0, ()))
    return Plan(
        statement=statement,
        system="postgresql",
        lines=tuple(_line(node, depth) for node, depth, _ in nodes),
        scans=tuple(_scan(node, above, tables) for node, _, above in nodes if _reads_table(node)),
        time_s=float(document.get("Execution Time", root.get("Actual Total Time", 0.0))) / 1e3,
    )


def _nodes(
    node: Mapping[str, Any], depth: int, above: tuple[Mapping[str, Any], ...]
) -> Iterator[tuple[Mapping[str, Any], int, tuple[Mapping[str, Any], ...]]]:
    yield node, depth, above
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1, (*above, node))


def _reads_table(node: Mapping[str, Any]) -> bool:
    return "Relation Name" in node


def _scan(
    node: Mapping[str, Any], above: Sequence[Mapping[str, Any]], tables: Mapping[str, int]
) -> Scan:
    # Rows of a node are per loop and per process; a parallel scan counts its workers as loops.
    loops = int(node.get("Actual Loops", 1)) or 1
    kept = round(float(node.get("Actual Rows", -1)) * loops) if "Actual Rows" in node else -1
    removed = round(float(node.get("Rows Removed by Filter", 0)) * loops)
    sorts = [key for parent in above for key in parent.get("Sort Key", ())]
    return Scan(
        table=str(node["Relation Name"]),
        columns=_columns(str(node.get("Filter", ""))),
        table_rows=tables.get(str(node["Relation Name"]), -1),
        read_rows=kept + removed if kept >= 0 else -1,
        kept_rows=kept,
        uses_index="Index" in str(node["Node Type"]),
        time_s=float(node.get("Actual Total Time", 0.0)) * loops / 1e3,
        sort_columns=tuple(_bare(key) for key in sorts),
    )


def _columns(condition: str) -> tuple[str, ...]:
    found = [name for name in _COLUMN.findall(condition) if name.upper() not in _WORDS]
    return tuple(dict.fromkeys(found))


def _bare(key: str) -> str:
    return key.split(" ", maxsplit=1)[0].rpartition(".")[2].strip('"()')


def _line(node: Mapping[str, Any], depth: int) -> str:
    text = "  " * depth + str(node["Node Type"])
    if "Index Name" in node:
        text += f" using {node['Index Name']}"
    if "Relation Name" in node:
        text += f" on {node['Relation Name']}"
    for key in ("Filter", "Index Cond", "Hash Cond", "Sort Key"):
        if key in node:
            value = node[key]
            text += f"  {key}: {', '.join(value) if isinstance(value, list) else value}"
    if "Actual Rows" in node:
        text += f"  rows={float(node['Actual Rows']):.0f}"
    if "Rows Removed by Filter" in node:
        text += f" removed={node['Rows Removed by Filter']}"
    return text


def _sqlite(statement: str, rows: Sequence[str], tables: Mapping[str, int]) -> Plan:
    from pinchpoint.walk import sql  # its parser takes half a second to load

    tree = sql.parse(statement, "sqlite")
    names = sql.tables(tree) if tree else {}
    is_sorted = any("TEMP B-TREE FOR ORDER BY" in row for row in rows)
    scans = [
        Scan(
            table=names.get(match[2], match[2]),
            # SQLite's plan does not say what it filters by; the statement does.
            columns=sql.compared_columns(tree, match[2]) if tree else (),
            table_rows=tables.get(names.get(match[2], match[2]), -1),
            uses_index=match[1] == "SEARCH" and "AUTOMATIC" not in match[3],
            sort_columns=sql.sorted_columns(tree) if tree and is_sorted else (),
        )
        for row in rows
        if (match := _SQLITE_NODE.match(row.strip()))
    ]
    return Plan(statement=statement, system="sqlite", lines=tuple(rows), scans=tuple(scans))
