"""asyncpg: clones are opened, plans and samples fetched inside the application's process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asyncpg_running import parameters, run

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

pytest_plugins = ["postgres_fixture"]


def test_the_clone_is_opened_instead(probe: Probe, shop: PostgreSQL) -> None:
    shop.query("DROP DATABASE IF EXISTS pinchpoint_t_a", "postgres")
    shop.query("CREATE DATABASE pinchpoint_t_a", "postgres")
    clones = {wire.DATABASES_VARIABLE: '{"shop": "pinchpoint_t_a"}'}
    body = """
    ask = "SELECT current_database()"
    print(await connection.fetchval(ask))
    other = await asyncpg.connect(dsn)
    print(await other.fetchval(ask))
    await other.close()
    async with asyncpg.create_pool(dsn, min_size=1) as pool:
        print(await pool.fetchval(ask))
    """
    seen = run(probe, shop, body, "print(databases.databases())", **clones).split("\n")
    assert seen == ["pinchpoint_t_a"] * 3 + ["{'databases': {'shop': 'pinchpoint_t_a'}}"]


def test_the_plan_comes_with_estimates_and_without_literals(probe: Probe, shop: PostgreSQL) -> None:
    shop.query("ANALYZE items")
    body = """
    await connection.fetch("SELECT id FROM items WHERE name = $1 AND id > 0", "secret")
    """
    (plan,) = json.loads(run(probe, shop, body, "print(json.dumps(databases.explain()))"))["plans"]
    assert plan["error"] == ""
    assert plan["tables"] == {"items": {"rows": 3}}
    assert plan["plan"][0]["Plan"]["Node Type"] == "Seq Scan"
    assert "secret" not in json.dumps(plan)


def test_a_write_is_not_explained(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    transaction = connection.transaction()
    await transaction.start()
    await connection.fetch("UPDATE items SET name = $1 RETURNING id", "x")
    await connection.fetch("WITH gone AS (DELETE FROM items RETURNING id) SELECT * FROM gone")
    await transaction.rollback()
    """
    end = "for plan in databases.explain()['plans']: print(plan['error'])"
    errors = run(probe, shop, body, end).split("\n")
    assert errors == ["ValueError", "ReadOnlySQLTransactionError 25006"]
    assert shop.query("SELECT count(*) FROM items") == [(3,)]


def test_commands_work_beside_a_running_loop(probe: Probe, shop: PostgreSQL) -> None:
    body = """
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(None, databases.sample, "items", "id", 10)
    print(sorted(found["values"]))
    print((await loop.run_in_executor(None, databases.sample, "items", "absent", 1))["error"])
    """
    assert run(probe, shop, body) == "[1, 2, 3]\nno database has items.absent"


def test_samples_of_a_large_table_come_from_all_over(probe: Probe, shop: PostgreSQL) -> None:
    shop.query("DROP TABLE IF EXISTS many")
    shop.query("CREATE TABLE many AS SELECT n AS id FROM generate_series(1, 50000) n")
    shop.query("ANALYZE many")
    end = "print(max(databases.sample('many', 'id', 20)['values']))"
    assert int(run(probe, shop, "pass", end)) > 5000


def test_connections_say_how_to_connect(probe: Probe, shop: PostgreSQL) -> None:
    end = "print(json.dumps(databases.connections()['connections']))"
    (connection,) = json.loads(run(probe, shop, "pass", end, PGPASSWORD="p"))
    assert (connection["driver"], connection["database"]) == ("asyncpg", "shop")
    assert connection["parameters"].items() >= {**parameters(shop), "password": "p"}.items()


def test_what_connections_say_is_enough_to_connect(probe: Probe, shop: PostgreSQL) -> None:
    end = """
(known,) = databases.connections()["connections"]
async def again():
    connection = await asyncpg.connect(**known["parameters"])
    print(await connection.fetchval("SELECT current_database()"))
    await connection.close()
asyncio.run(again())
"""
    dsn = f"postgresql://tester@127.0.0.1:{shop.port}/shop?application_name=x"
    body = f"databases._opened.clear(); await (await asyncpg.connect('{dsn}')).close()"
    assert run(probe, shop, body, end) == "shop"
