"""Both PostgreSQL drivers: statements are recorded once, writes refused, clones opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from postgres_running import GUARD, guard, run
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

pytest_plugins = ["postgres_fixture"]

drivers = pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])


@drivers
def test_a_statement_is_recorded_once_with_its_placeholders(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    run(probe, shop, driver, 'cursor.execute("SELECT name FROM items WHERE id = %s", (2,))')
    (span,) = spans(probe.folder, "sql")
    assert span.name == "SELECT name FROM items WHERE id = %s"
    assert span.rows == 1
    assert span.line.startswith("main.py:")


@drivers
def test_a_connect_is_recorded_with_the_name_of_the_database(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    run(probe, shop, driver, "")
    (span,) = spans(probe.folder, "connect")
    assert span.name == "postgresql shop"


@drivers
def test_nothing_is_recorded_outside_of_a_request(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    run(probe, shop, driver, 'spans.current.set(None); cursor.execute("SELECT 1")')
    assert spans(probe.folder, "sql") == []


@drivers
def test_a_statement_that_fails_is_recorded_and_raises(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = f"""
try:
    cursor.execute("SELECT * FROM absent")
except {driver}.ProgrammingError as error:
    print(type(error).__name__)
"""
    assert run(probe, shop, driver, code) == "UndefinedTable"
    (span,) = spans(probe.folder, "sql")
    assert span.flags == wire.FAILED


@drivers
def test_a_call_on_an_event_loop_is_marked_as_blocking_it(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = """
import asyncio
async def handler():
    cursor.execute("SELECT 1")
asyncio.run(handler())
"""
    run(probe, shop, driver, code)
    (span,) = spans(probe.folder, "sql")
    assert span.flags == wire.BLOCKED_LOOP


WRITES = [
    "cursor.execute('INSERT INTO items VALUES (9, %s)', ('x',))",
    "cursor.executemany('INSERT INTO items VALUES (9, %s)', [('x',)])",
    "connection.autocommit = True; cursor.execute('DELETE FROM items')",
    "connection.rollback(); cursor.execute('DELETE FROM items')",
    "cursor.execute('SELECT 1'); connection.rollback(); cursor.execute('DELETE FROM items')",
    (
        "connection.autocommit = True; connection.autocommit = False;"
        " cursor.execute('DELETE FROM items')"
    ),
]


@drivers
@pytest.mark.parametrize("is_early", [True, False], ids=["before", "after"])
def test_a_guarded_write_changes_nothing_and_is_a_refusal(
    probe: Probe, shop: PostgreSQL, driver: str, *, is_early: bool
) -> None:
    guard(probe, is_on=is_early)
    begin = f"""
connections = [{driver}.connect("{shop.dsn()}") for _ in range({len(WRITES)})]
{"" if is_early else GUARD}
"""
    tries = [
        f"""
connection = connections.pop()
cursor = connection.cursor()
try:
    {write}
except {driver}.errors.ReadOnlySqlTransaction:
    print({number}, frame.request.refusals)
connection.rollback()
"""
        for number, write in enumerate(WRITES, 1)
    ]
    refused = run(probe, shop, driver, begin + "".join(tries)).split("\n")
    assert refused == [f"{number} {number}" for number in range(1, len(WRITES) + 1)]
    flags = [span.flags for span in spans(probe.folder, "sql")]
    assert sum(bool(flag & wire.REFUSED) for flag in flags) == len(WRITES)
    assert shop.query("SELECT count(*) FROM items") == [(3,)]


@drivers
@pytest.mark.parametrize("undo", ["RESET ALL", "SET default_transaction_read_only = off"])
def test_a_session_that_is_reset_is_read_only_again(
    probe: Probe, shop: PostgreSQL, driver: str, undo: str
) -> None:
    guard(probe)
    code = f"""
connection.autocommit = True
cursor.execute("{undo}")
try:
    cursor.execute("DELETE FROM items")
except {driver}.errors.ReadOnlySqlTransaction:
    print("refused")
"""
    assert run(probe, shop, driver, code) == "refused"


@drivers
def test_a_transaction_that_is_open_when_the_guard_comes_is_read_only(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = f"""
cursor.execute("SELECT 1")
{GUARD}
try:
    cursor.execute("DELETE FROM items")
except {driver}.errors.ReadOnlySqlTransaction:
    print("refused")
"""
    assert run(probe, shop, driver, code) == "refused"


@drivers
def test_a_guarded_read_behaves_as_ever(probe: Probe, shop: PostgreSQL, driver: str) -> None:
    guard(probe)
    code = """
cursor.execute("SELECT name FROM items WHERE id = %s", (2,))
print(cursor.fetchone()[0], connection.info.transaction_status.real)
connection.commit()
"""
    assert run(probe, shop, driver, code) == "pot 2"


@drivers
def test_a_database_off_loopback_is_refused_under_guard(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    guard(probe)
    code = f"""
try:
    {driver}.connect(host="db.example.com", dbname="shop", connect_timeout=1)
except {driver}.OperationalError as error:
    print("allow_hosts" in str(error), frame.request.refusals)
"""
    assert run(probe, shop, driver, code) == "True 1"


@drivers
def test_the_clone_is_opened_instead(probe: Probe, shop: PostgreSQL, driver: str) -> None:
    shop.query("DROP DATABASE IF EXISTS pinchpoint_t_a", "postgres")
    shop.query("CREATE DATABASE pinchpoint_t_a", "postgres")
    clones = {wire.DATABASES_VARIABLE: '{"shop": "pinchpoint_t_a"}'}
    code = f"""
from pinchpoint_probe import databases
import json
given = json.loads({json.dumps(json.dumps(shop.parameters()))})
other = {driver}.connect(**given).cursor()
for each in (cursor, other):
    each.execute("SELECT current_database()")
    print(each.fetchone()[0])
print(databases.databases())
"""
    seen = run(probe, shop, driver, code, **clones).split("\n")
    assert seen == ["pinchpoint_t_a"] * 2 + ["{'databases': {'shop': 'pinchpoint_t_a'}}"]


@drivers
def test_the_plan_comes_with_estimates_and_without_literals(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    shop.query("ANALYZE items")
    code = """
from pinchpoint_probe import databases
import json
cursor.execute("SELECT id FROM items WHERE name = %s AND id > 0", ("secret",))
print(json.dumps(databases.explain()))
"""
    (plan,) = json.loads(run(probe, shop, driver, code))["plans"]
    assert plan["error"] == ""
    assert plan["tables"] == {"items": {"rows": 3}}
    assert plan["plan"][0]["Plan"]["Node Type"] == "Seq Scan"
    assert plan["plan"][0]["Plan"]["Actual Rows"] == 0
    assert "secret" not in json.dumps(plan)


@drivers
def test_a_write_is_not_explained(probe: Probe, shop: PostgreSQL, driver: str) -> None:
    code = """
from pinchpoint_probe import databases
cursor.execute("UPDATE items SET name = %s", ("x",))
cursor.execute("WITH gone AS (DELETE FROM items RETURNING id) SELECT * FROM gone")
connection.rollback()
for plan in databases.explain()["plans"]:
    print(plan["error"])
"""
    errors = run(probe, shop, driver, code).split("\n")
    assert errors == ["ValueError", "ReadOnlySqlTransaction 25006"]
    assert shop.query("SELECT count(*) FROM items") == [(3,)]


@drivers
def test_samples_are_values_of_the_column(probe: Probe, shop: PostgreSQL, driver: str) -> None:
    code = """
from pinchpoint_probe import databases
print(sorted(databases.sample("items", "id", 10)["values"]))
print(databases.sample("public.items", "name", 1))
print(databases.sample("items", "absent", 1)["error"])
print(databases.sample('items"; DROP TABLE items; --', "id", 1)["values"])
"""
    seen = run(probe, shop, driver, code).split("\n")
    assert seen[0] == "[1, 2, 3]"
    assert seen[1] == "{'values': ['cup'], 'error': ''}"
    assert seen[2:] == ["no database has items.absent", "[]"]


@drivers
def test_samples_of_a_large_table_come_from_all_over(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    shop.query("DROP TABLE IF EXISTS many")
    shop.query("CREATE TABLE many AS SELECT n AS id FROM generate_series(1, 50000) n")
    shop.query("ANALYZE many")
    code = """
from pinchpoint_probe import databases
print(max(databases.sample("many", "id", 20)["values"]))
"""
    assert int(run(probe, shop, driver, code)) > 5000


@drivers
def test_connections_say_how_to_connect(probe: Probe, shop: PostgreSQL, driver: str) -> None:
    code = """
from pinchpoint_probe import databases
import json
print(json.dumps(databases.connections()["connections"]))
"""
    (connection,) = json.loads(run(probe, shop, driver, code, PGPASSWORD="p"))
    assert (connection["driver"], connection["database"]) == (driver, "shop")
    assert connection["parameters"]["password"] == "p"


@drivers
def test_the_database_says_for_how_long_it_was_busy(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = """
from pinchpoint_probe import databases
import time
before = databases.activity()["active_s"]["shop"]
connection.cursor().execute("SELECT pg_sleep(0.3)")
connection.close()
for _ in range(200):
    passed = databases.activity()["active_s"]["shop"] - before
    if passed >= 0.3:
        break
    time.sleep(0.02)
print(passed)
"""
    assert 0.3 <= float(run(probe, shop, driver, code)) < 3


@drivers
def test_restore_undoes_every_patch(probe: Probe, shop: PostgreSQL, driver: str) -> None:
    code = f"""
patching.restore()
plain = {driver}.connect("{shop.dsn()}")
plain.cursor().execute("SELECT 1")
print({driver}.connect.__module__, type(plain).__module__)
"""
    seen = run(probe, shop, driver, code)
    assert "pinchpoint" not in seen
    assert spans(probe.folder, "sql") == []
