"""asyncpg: statements are recorded once, its pool too; writes are refused."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
import reading
from asyncpg_running import ITEM, guard, names, run
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

pytest_plugins = ["postgres_fixture"]


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        (f'connection.fetch("{ITEM}", 2)', 1),
        (f'connection.fetchrow("{ITEM}", 9)', 0),
        (f'connection.fetchval("{ITEM}", 2)', -1),
        (f'connection.execute("{ITEM}", 2)', 1),
        (f'connection.fetch(query="{ITEM.replace("$1", "2")}")', 1),
    ],
)
def test_a_statement_is_recorded_once_with_its_placeholders(
    probe: Probe, shop: PostgreSQL, call: str, rows: int
) -> None:
    run(probe, shop, f"await {call}")
    (span,) = spans(probe.folder, "sql")
    assert span.name.startswith("SELECT name FROM items WHERE id = ")
    assert (span.rows, span.flags) == (rows, 0)
    assert span.line.startswith("main.py:")
    assert span.function == "handler"


def test_prepared_statements_and_batches_are_recorded(probe: Probe, shop: PostgreSQL) -> None:
    body = f"""
    statement = await connection.prepare("{ITEM}")
    await statement.fetch(1)
    await statement.fetchrow(2)
    await statement.fetchval(3)
    await connection.executemany("INSERT INTO items VALUES ($1, $2)", [(8, "x"), (9, "y")])
    """
    run(probe, shop, "queries.NOTICEABLE_NS = -1" + textwrap.dedent(body))
    insert = "INSERT INTO items VALUES ($1, $2)"
    assert names(probe) == [f"PREPARE {ITEM}", *[ITEM] * 3, insert]


def test_cursors_record_their_round_trips(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    queries.NOTICEABLE_NS = -1
    async with connection.transaction():
        async for _ in connection.cursor("SELECT id FROM items", prefetch=2):
            pass
        cursor = await connection.cursor("SELECT name FROM items")
        print(len(await cursor.fetch(5)))
    """
    assert run(probe, shop, body) == "3"
    seen = names(probe)
    assert seen[0].startswith("BEGIN")
    assert seen[1:3] == ["SELECT id FROM items"] * 2
    assert seen[3:5] == ["SELECT name FROM items"] * 2
    assert [span.rows for span in spans(probe.folder, "sql")][1:5] == [2, 1, -1, 3]


def test_copies_are_recorded(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    queries.NOTICEABLE_NS = -1
    await connection.copy_records_to_table("items", records=[(8, "x")])
    await connection.copy_from_query("SELECT 1", output="out")
    """
    run(probe, shop, body)
    assert [name.split()[:2] for name in names(probe)] == [["COPY", "items"], ["COPY", "(SELECT"]]


def test_a_connect_is_recorded_with_the_name_of_the_database(
    probe: Probe, shop: PostgreSQL
) -> None:
    body = """
    await (await asyncpg.connect(dsn)).close()
    try:
        await asyncpg.connect(dsn + "_absent")
    except asyncpg.InvalidCatalogNameError:
        pass
    """
    run(probe, shop, body)
    seen = [(span.name, span.flags) for span in spans(probe.folder, "connect")]
    assert seen == [("postgresql shop", 0)] * 2 + [("postgresql shop_absent", wire.FAILED)]


def test_nothing_is_recorded_outside_of_a_request(probe: Probe, shop: PostgreSQL) -> None:
    run(probe, shop, "spans.current.set(None); await connection.fetch('SELECT 1')")
    assert names(probe) == []


def test_a_statement_that_fails_is_recorded_and_raises(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    try:
        await connection.fetch("SELECT * FROM absent")
    except asyncpg.UndefinedTableError:
        print("raised")
    """
    assert run(probe, shop, body) == "raised"
    (span,) = spans(probe.folder, "sql")
    assert span.flags == wire.FAILED


WRITES = {
    "execute": 'await refused(connection.execute("DELETE FROM items"))',
    "arguments": 'await refused(connection.execute("DELETE FROM items WHERE id = $1", 1))',
    "fetch": 'await refused(connection.fetch("DELETE FROM items RETURNING id"))',
    "batch": 'await refused(connection.executemany("DELETE FROM items WHERE id = $1", [(1,)]))',
    "copy": 'await refused(connection.copy_records_to_table("items", records=[(8, "x")]))',
    "transaction": """
    async with connection.transaction():
        await refused(connection.execute("DELETE FROM items"))
    """,
    "prepared": """
    statement = await connection.prepare("DELETE FROM items")
    await refused(statement.fetch())
    """,
    "cursor": """
    async with connection.transaction():
        await refused(connection.cursor("DELETE FROM items RETURNING id").__aiter__().__anext__())
    """,
}


@pytest.mark.parametrize("is_early", [True, False], ids=["before", "after"])
def test_a_guarded_write_changes_nothing_and_is_a_refusal(
    probe: Probe, shop: PostgreSQL, *, is_early: bool
) -> None:
    if is_early:
        guard(probe)
    body = f"""
    connections = [await asyncpg.connect(**where) for _ in range({len(WRITES)})]
    {"" if is_early else "guard()"}
    """
    for name, write in WRITES.items():
        attempt = f"connection = connections.pop()\nprint({name!r})\n{textwrap.dedent(write)}"
        body = textwrap.dedent(body) + attempt + "\nawait connection.close()\n"
    said = [f"{name}\nrefused {number}" for number, name in enumerate(WRITES, 1)]
    assert run(probe, shop, body) == "\n".join(said)
    flags = [span.flags for span in spans(probe.folder, "sql")]
    assert sum(bool(flag & wire.REFUSED) for flag in flags) == len(WRITES)
    assert shop.query("SELECT count(*) FROM items") == [(3,)]


@pytest.mark.parametrize("undo", ["RESET ALL", "SET default_transaction_read_only = off"])
def test_a_session_that_is_reset_is_read_only_again(
    probe: Probe, shop: PostgreSQL, undo: str
) -> None:
    guard(probe)
    body = f"""
    await connection.execute("{undo}")
    await refused(connection.execute("DELETE FROM items"))
    """
    assert run(probe, shop, body) == "refused 1"


def test_a_transaction_that_is_open_when_the_guard_comes_is_read_only(
    probe: Probe, shop: PostgreSQL
) -> None:
    body = """
    transaction = connection.transaction()
    await transaction.start()
    guard()
    await refused(connection.execute("DELETE FROM items"))
    try:
        await connection.fetch("SELECT 1")  # the transaction has failed
    except asyncpg.InFailedSQLTransactionError:
        await transaction.rollback()
    await refused(connection.execute("DELETE FROM items"))
    """
    assert run(probe, shop, body) == "refused 1\nrefused 2"


def test_a_pools_connections_stay_read_only_when_they_are_reset(
    probe: Probe, shop: PostgreSQL
) -> None:
    body = """
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        guard()
        await pool.fetch("SELECT 1")
        async with pool.acquire() as pooled:
            print(pooled.get_settings().default_transaction_read_only)
        await refused(pool.execute("DELETE FROM items"))
    """
    assert run(probe, shop, body) == "on\nrefused 1"
    assert not any("READ_ONLY" in name.upper() for name in names(probe))


def test_a_guarded_read_behaves_as_ever(probe: Probe, shop: PostgreSQL) -> None:
    guard(probe)
    body = f"""
    print(await connection.fetchval("{ITEM}", 2), connection.is_in_transaction())
    """
    assert run(probe, shop, body) == "pot False"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_database_off_loopback_is_refused_under_guard(
    probe: Probe, shop: PostgreSQL, loop: str
) -> None:
    body = f"""
    async def elsewhere():
        for host in ("db.example.com", "192.0.2.77"):
            try:
                await asyncpg.connect(host=host, user="x", timeout=5)
            except ConnectionRefusedError as error:
                print("allow_hosts" in str(error))
        print(frame.request.refusals)
    import {loop}
    guard()
    await asyncio.get_running_loop().run_in_executor(None, run, {loop}, elsewhere)
    """
    code = """
    def run(module, function):
        spans.current.set(frame)
        module.new_event_loop().run_until_complete(function())
    """
    assert run(probe, shop, textwrap.dedent(code) + textwrap.dedent(body)) == "True\nTrue\n2"


def test_a_wait_for_the_pool_is_recorded_and_who_held_it(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    async def use(pool):
        async with pool.acquire() as pooled:
            await pooled.fetch("SELECT pg_sleep(0.05)")
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        await asyncio.gather(use(pool), use(pool))
    """
    run(probe, shop, body)
    wait = spans(probe.folder, "pool_wait")[-1]
    assert (wait.name, wait.function) == ("pool 1+0 of asyncpg", "handler.<locals>.use")
    holds = [record for record in reading.read_records(probe.folder) if record.kind == wire.HOLD]
    assert [hold.trace for hold in holds] == [7, 7]
    assert wait.start_ns < holds[0].end_ns <= wait.end_ns  # until the first came back
    assert holds[0].line.startswith("main.py:")


def test_a_connection_that_is_lost_was_held_until_then(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        async with pool.acquire() as pooled:
            pooled.terminate()
        async with pool.acquire() as pooled:
            print(await pooled.fetchval("SELECT 1"))
    """
    assert run(probe, shop, body) == "1"
    holds = [record for record in reading.read_records(probe.folder) if record.kind == wire.HOLD]
    assert len(holds) == 2


SQLALCHEMY = """
import asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from pinchpoint_probe import databases, postimport, spans
frame = spans.begin(7, 0)
spans.current.set(frame)
async def handler():
    engine = create_async_engine("postgresql+asyncpg://tester@127.0.0.1:{port}/shop")
    async with engine.connect() as connection:
        for id in (1, 2):
            query = text("SELECT name FROM items WHERE id = :id")
            print((await connection.execute(query, dict(id=id))).scalar())
    try:
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM items"))
    except Exception as error:
        print(type(error).__name__, frame.request.refusals)
    async with engine.connect() as connection:
        found = await connection.stream(text("SELECT id FROM items ORDER BY id"))
        print([row.id async for row in found])
    await engine.dispose()
asyncio.run(handler())
print([plan["error"] for plan in databases.explain()["plans"] if "items" in plan["statement"]])
assert not postimport.failures, postimport.failures
"""


def test_sqlalchemys_statements_are_recorded_once_and_guarded(
    probe: Probe, shop: PostgreSQL
) -> None:
    guard(probe)
    seen = probe.run(SQLALCHEMY.format(port=shop.port)).split("\n")
    assert seen == ["cup", "pot", "DBAPIError 1", "[1, 2, 3]", "['', '']"]
    recorded = [span for span in spans(probe.folder, "sql") if span.name.startswith("SELECT name")]
    assert [span.function for span in recorded] == ["handler"] * 2
    waits = spans(probe.folder, "pool_wait")
    assert {wait.name for wait in waits} == {"pool 5+10 of postgresql+asyncpg"}


def test_restore_undoes_every_patch(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    patching.restore()
    plain = await asyncpg.connect(dsn)
    await plain.fetch("SELECT 1")
    await plain.close()
    print(asyncpg.Connection.fetch.__code__.co_filename)
    """
    assert "pinchpoint" not in run(probe, shop, body)
    assert names(probe) == []
