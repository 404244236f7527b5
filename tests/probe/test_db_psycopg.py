"""What one of the PostgreSQL drivers does that the other does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import reading
from postgres_running import guard, run
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

pytest_plugins = ["postgres_fixture"]

drivers = pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])


def test_an_async_connection_is_observed_and_guarded(probe: Probe, shop: PostgreSQL) -> None:
    guard(probe)
    code = f"""
import asyncio
async def handler():
    async with await psycopg.AsyncConnection.connect("{shop.dsn()}") as db:
        cursor = await db.execute("SELECT id FROM items ORDER BY id")
        print(await cursor.fetchall())
        try:
            await db.execute("DELETE FROM items")
        except psycopg.errors.ReadOnlySqlTransaction:
            print("refused")
            await db.rollback()
asyncio.run(handler())
"""
    assert run(probe, shop, "psycopg", code) == "[(1,), (2,), (3,)]\nrefused"
    recorded = [span for span in spans(probe.folder, "sql") if span.name.startswith("SELECT id")]
    assert recorded[0].rows == 3
    assert recorded[0].flags == 0
    assert recorded[0].line.startswith("main.py:")
    assert recorded[0].function == "handler"


def test_a_transaction_that_asks_to_write_is_read_only(probe: Probe, shop: PostgreSQL) -> None:
    guard(probe)
    code = """
connection.read_only = False
try:
    cursor.execute("DELETE FROM items")
except psycopg.errors.ReadOnlySqlTransaction:
    print("refused")
"""
    assert run(probe, shop, "psycopg", code) == "refused"


@drivers
def test_fetches_of_a_server_side_cursor_are_recorded(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = """
from pinchpoint_probe import queries
queries.NOTICEABLE_NS = -1
cursor.execute("SELECT 1")
cursor.fetchall()
with connection.cursor("by_name") as named:
    named.execute("SELECT id FROM items ORDER BY id")
    print(named.fetchall())
"""
    assert run(probe, shop, driver, code) == "[(1,), (2,), (3,)]"
    names = [span.name for span in spans(probe.folder, "sql")]
    assert names == ["SELECT 1", *["SELECT id FROM items ORDER BY id"] * 2]


def test_cursor_classes_of_the_application_stay_what_they_are(
    probe: Probe, shop: PostgreSQL
) -> None:
    code = f"""
import psycopg2.extras
dsn = "{shop.dsn()}"
ways = (
    psycopg2.connect(dsn, cursor_factory=psycopg2.extras.RealDictCursor).cursor(),
    psycopg2.connect(dsn, connection_factory=psycopg2.extras.RealDictConnection).cursor(),
    psycopg2.connect(dsn).cursor(cursor_factory=psycopg2.extras.RealDictCursor),
    psycopg2.connect(dsn).cursor("named", psycopg2.extras.RealDictCursor),
)
for each in ways:
    each.execute("SELECT 1 AS one")
    print(isinstance(each, psycopg2.extras.RealDictCursor), each.fetchone()["one"])
psycopg2.extensions.register_type(psycopg2.extensions.UNICODE, connection)
psycopg2.extras.register_default_jsonb(conn_or_curs=connection)
"""
    assert run(probe, shop, "psycopg2", code) == "\n".join(["True 1"] * 4)
    assert [span.name for span in spans(probe.folder, "sql")][:4] == ["SELECT 1 AS one"] * 4


def test_statements_composed_by_the_driver_are_recorded_as_text(
    probe: Probe, shop: PostgreSQL
) -> None:
    code = """
from psycopg import sql
cursor.execute(sql.SQL("SELECT {} FROM items").format(sql.Identifier("id")))
cursor.execute(b"SELECT 2")
"""
    run(probe, shop, "psycopg", code)
    assert [span.name for span in spans(probe.folder, "sql")] == [
        'SELECT "id" FROM items',
        "SELECT 2",
    ]


def test_a_failing_record_is_not_noticed(probe: Probe, shop: PostgreSQL) -> None:
    code = """
def broken(*_, **__):
    raise RuntimeError("ours")
spans.leaf = broken
cursor.execute("SELECT 1")
print(cursor.fetchone(), postimport.failures)
postimport.failures.clear()
"""
    seen = run(probe, shop, "psycopg", code)
    assert seen == "(1,) [\"queries: RuntimeError('ours')\"]"


def test_a_wait_for_psycopgs_pool_is_recorded(probe: Probe, shop: PostgreSQL) -> None:
    code = f"""
import psycopg_pool, threading
with psycopg_pool.ConnectionPool("{shop.dsn()}", min_size=1, max_size=1) as pool:
    with pool.connection():
        pass
    first = pool.getconn()
    threading.Timer(0.05, pool.putconn, [first]).start()
    second = pool.getconn()
    pool.putconn(second)
"""
    run(probe, shop, "psycopg", code)
    waits = spans(probe.folder, "pool_wait")
    assert waits[-1].name == "pool 1+0 of psycopg_pool"
    holds = [record for record in reading.read_records(probe.folder) if record.kind == wire.HOLD]
    assert [hold.trace for hold in holds] == [7, 7, 7]
    assert waits[-1].start_ns < holds[1].end_ns <= waits[-1].end_ns  # until the first came back
    assert holds[0].line.startswith("main.py:")
