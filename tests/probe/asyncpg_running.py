"""Run code with a connection of asyncpg inside of a recorded request."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

MAIN = """
import asyncio, json
import asyncpg
from pinchpoint_probe import databases, patching, postimport, queries, spans, state
frame = spans.begin(7, 0)
spans.current.set(frame)
where = json.loads({where!r})
dsn = {dsn!r}
def guard():
    with open(state.directory + "/control", "r+b") as control:
        control.seek({guard_byte})
        control.write(b"\\x01")
async def refused(awaitable):
    try:
        await awaitable
    except asyncpg.ReadOnlySQLTransactionError:
        print("refused", frame.request.refusals)
async def handler(connection):
{body}
async def main():
    connection = await asyncpg.connect(**where)
    try:
        await handler(connection)
    finally:
        await connection.close()
asyncio.run(main())
{end}
assert not postimport.failures, postimport.failures
"""

ITEM = "SELECT name FROM items WHERE id = $1"


def parameters(shop: PostgreSQL) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": shop.port, "user": "tester", "database": "shop"}


def run(probe: Probe, shop: PostgreSQL, body: str, end: str = "", **options: Any) -> str:
    code = MAIN.format(
        where=json.dumps(parameters(shop)),
        dsn=f"postgresql://tester@127.0.0.1:{shop.port}/shop",
        guard_byte=wire.CONTROL_GUARD,
        body=textwrap.indent(textwrap.dedent(body), "    "),
        end=end,
    )
    return probe.run(code, **options)


def guard(probe: Probe) -> None:
    with (probe.folder / "control").open("r+b") as control:
        control.seek(wire.CONTROL_GUARD)
        control.write(b"\x01")


def names(probe: Probe) -> list[str]:
    return [span.name for span in spans(probe.folder, "sql")]
