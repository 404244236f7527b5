"""Databases are copied, changed and dropped, and only ones that are copies."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pinchpoint_probe import clone

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL

pytest_plugins = ["postgres_fixture"]

COPY = "pinchpoint_run1_a"
drivers = pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "psycopg2"])


def ask(**request: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(Path(clone.__file__))],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def request(shop: PostgreSQL, action: str, driver: str = "psycopg", **more: Any) -> dict[str, Any]:
    parameters = shop.parameters()
    if driver == "asyncpg":
        parameters["database"] = parameters.pop("dbname")
    return {
        "action": action,
        "system": "postgresql",
        "driver": driver,
        "parameters": parameters,
        "database": "shop",
        "clone": COPY,
        **more,
    }


def databases(shop: PostgreSQL) -> set[str]:
    return {name for (name,) in shop.query("SELECT datname FROM pg_database")}


@drivers
def test_a_clone_is_created_migrated_and_dropped(shop: PostgreSQL, driver: str) -> None:
    created = ask(**request(shop, "create", driver))
    assert created["ok"]
    assert created["bytes"] > 0
    statements = ["CREATE INDEX by_name ON items (name)", "ANALYZE items"]
    migrated = ask(**request(shop, "migrate", driver, statements=statements))
    assert migrated["indexes"] == ["by_name"]
    assert shop.query("SELECT count(*) FROM items", COPY) == [(3,)]
    assert "by_name" not in str(shop.query("SELECT indexname FROM pg_indexes"))
    with psycopg.connect(shop.dsn(COPY)):  # WITH (FORCE)
        assert ask(**request(shop, "drop", driver))["dropped"] == [COPY]
    assert COPY not in databases(shop)


def test_only_clones_are_touched(shop: PostgreSQL) -> None:
    for action in ("create", "migrate", "drop"):
        answer = ask(**request(shop, action, clone="shop", statements=["DROP TABLE items"]))
        assert not answer["ok"]
        assert "is not a clone" in answer["error"]
    assert shop.query("SELECT count(*) FROM items") == [(3,)]


def test_a_database_that_is_too_large_is_not_copied(shop: PostgreSQL) -> None:
    answer = ask(**request(shop, "create", largest_bytes=1000))
    assert (answer["ok"], answer["kind"]) == (False, "too-large")
    assert COPY not in databases(shop)


def test_without_the_right_the_answer_says_so(shop: PostgreSQL) -> None:
    shop.query("DROP ROLE IF EXISTS weak")
    shop.query("CREATE ROLE weak LOGIN")
    parameters = {**shop.parameters(), "user": "weak"}
    answer = ask(**request(shop, "create", parameters=parameters))
    assert (answer["ok"], answer["kind"]) == (False, "no-right")


def test_a_database_in_use_cannot_be_copied(shop: PostgreSQL) -> None:
    with psycopg.connect(shop.dsn()):
        answer = ask(**request(shop, "create"))
    assert (answer["ok"], answer["kind"]) == (False, "in-use")


def test_a_sweep_drops_what_dead_runs_left(shop: PostgreSQL) -> None:
    for name in (COPY, "pinchpoint_run2_b", "pinchpoint"):
        shop.query(f"CREATE DATABASE {name}", "postgres")
    answer = ask(**request(shop, "sweep", live=["run2"]))
    assert answer["dropped"] == [COPY]
    assert {"pinchpoint_run2_b", "pinchpoint", "shop"} <= databases(shop)
    for name in ("pinchpoint_run2_b", "pinchpoint"):
        shop.query(f"DROP DATABASE {name}", "postgres")


@pytest.mark.parametrize(
    ("name", "is_left_over"),
    [
        ("pinchpoint_old_a", True),
        ("pinchpoint_2026-11-24_0a1b_b", True),
        ("pinchpoint_live_a", False),
        ("pinchpoint_a", False),  # no run id: not of our making
        ("pinchpoint", False),
        ("shop", False),
        ("my_pinchpoint_old_a", False),
    ],
)
def test_only_clones_of_runs_that_are_over_are_left_over(name: str, *, is_left_over: bool) -> None:
    assert clone.is_left_over(name, ["live"]) is is_left_over


def test_a_file_is_cloned_migrated_and_dropped(tmp_path: Path) -> None:
    original, copy = tmp_path / "shop 1.db", tmp_path / "pinchpoint_run1_a.db"
    connection = sqlite3.connect(original)
    connection.execute("CREATE TABLE items (name TEXT)")
    connection.commit()
    common = {"system": "sqlite", "driver": "sqlite3", "parameters": {}}
    common |= {"database": str(original), "clone": str(copy)}
    assert ask(action="create", **common)["ok"]
    statements = ["CREATE INDEX by_name ON items (name)", "ANALYZE"]
    assert ask(action="migrate", statements=statements, **common)["indexes"] == ["by_name"]
    indexes = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'index'")
    assert indexes.fetchone() == (0,)
    connection.close()
    assert ask(action="sweep", live=["run1"], **common)["dropped"] == []
    assert ask(action="drop", **common)["ok"]
    assert [path.name for path in tmp_path.iterdir()] == [original.name]


def test_a_file_that_is_no_clone_is_not_overwritten(tmp_path: Path) -> None:
    original = tmp_path / "shop.db"
    original.write_bytes(b"mine")
    common = {"system": "sqlite", "driver": "sqlite3", "parameters": {}}
    answer = ask(action="drop", database=str(original), clone=str(original), **common)
    assert not answer["ok"]
    assert original.read_bytes() == b"mine"
