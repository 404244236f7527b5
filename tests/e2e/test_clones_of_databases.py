"""Arms run on copies of real databases, the original is never changed, and no copy remains."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pinchpoint.launch.guardian import guard
from pinchpoint.launch.inject import Probe
from pinchpoint.launch.services import postgresql
from pinchpoint.model.app import App, Framework, Interface
from pinchpoint.prove.clone import (
    CloneRefused,
    Clones,
    Interpreter,
    OpenedDatabase,
    confirm,
    read_databases,
)
from pinchpoint.prove.fixes.create_index import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.launch.services import Service

pytestmark = pytest.mark.e2e

INDEX = {"table": "orders", "columns": "customer_id"}
NAME = "pinchpoint_orders_customer_id_idx"

APPLICATION = """
import json, sys
import psycopg
connection = psycopg.connect(sys.argv[1])
from pinchpoint_probe import databases
print(json.dumps({**databases.connections(), **databases.databases()}))
"""


@pytest.fixture(scope="module")
def guardian() -> Iterator[Guardian]:
    with guard() as guardian:
        yield guardian


@pytest.fixture(scope="module")
def server(guardian: Guardian) -> Service:
    service = postgresql.start(guardian, database="shop")
    with psycopg.connect(service.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, customer_id int)")
        connection.execute("INSERT INTO orders SELECT n, n % 10 FROM generate_series(1, 1000) n")
    return service


@pytest.fixture
def shop(server: Service) -> OpenedDatabase:
    return OpenedDatabase(
        system="postgresql",
        driver="psycopg",
        name="shop",
        parameters={"host": "127.0.0.1", "port": server.port, "user": "pinchpoint"},
    )


def run(command: Sequence[str], environment: Mapping[str, str], text: str) -> str:
    done = subprocess.run(
        command, env=environment, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout


def clones(guardian: Guardian, database: OpenedDatabase, run_id: str = "r1") -> Clones:
    interpreter = Interpreter(
        python=Path(sys.executable),
        environment={"PATH": os.defpath},
        run=run,
        clean_up=guardian,
    )
    return Clones([database], interpreter, run_id=run_id, folder=guardian.folder)


def query(server: Service, database: str, text: Any) -> list[Any]:
    with psycopg.connect(server.url, dbname=database, autocommit=True) as connection:
        return [row[0] for row in connection.execute(text)]


def indexes(server: Service, database: str) -> list[Any]:
    return query(server, database, "SELECT indexname FROM pg_indexes WHERE tablename = 'orders'")


def databases(server: Service) -> list[Any]:
    return query(server, "shop", "SELECT datname FROM pg_database WHERE datname ~ '^pinchpoint_'")


def test_only_the_changed_arm_gets_the_index(
    guardian: Guardian, server: Service, shop: OpenedDatabase
) -> None:
    with clones(guardian, shop) as made:
        made.migrate(migrate(INDEX))
        assert NAME in indexes(server, made.redirect("changed")["shop"])
        assert NAME not in indexes(server, made.redirect("baseline")["shop"])
        assert NAME not in indexes(server, "shop")


def test_both_arms_have_the_data_and_writes_stay_in_them(
    guardian: Guardian, server: Service, shop: OpenedDatabase
) -> None:
    with clones(guardian, shop) as made:
        for clone in (made.redirect("baseline")["shop"], made.redirect("changed")["shop"]):
            assert query(server, clone, "SELECT count(*) FROM orders") == [1000]
            query(server, clone, "DELETE FROM orders RETURNING id")
    assert query(server, "shop", "SELECT count(*) FROM orders") == [1000]


def test_no_clone_remains(guardian: Guardian, server: Service, shop: OpenedDatabase) -> None:
    with clones(guardian, shop):
        assert sorted(databases(server)) == ["pinchpoint_r1_a", "pinchpoint_r1_b"]
    assert databases(server) == []


def test_no_clone_remains_after_an_index_that_cannot_be(
    guardian: Guardian, server: Service, shop: OpenedDatabase
) -> None:
    with pytest.raises(CloneRefused, match="no_such_table"), clones(guardian, shop) as made:
        made.migrate(migrate({"table": "no_such_table", "columns": "a"}))
    assert databases(server) == []


def test_no_clone_remains_when_the_tool_ends_without_dropping_it(
    server: Service, shop: OpenedDatabase
) -> None:
    with guard() as other:
        clones(other, shop, run_id="r2").__enter__()
        assert len(databases(server)) == 2
    assert databases(server) == []


def test_a_database_that_is_not_there_is_refused_with_its_reason(
    guardian: Guardian, shop: OpenedDatabase
) -> None:
    missing = OpenedDatabase(
        system="postgresql", driver="psycopg", name="shpo", parameters=shop.parameters
    )
    with pytest.raises(CloneRefused, match='database "shpo" does not exist'):
        clones(guardian, missing).__enter__()


def test_an_application_with_the_probe_opens_the_clone(
    guardian: Guardian, server: Service, shop: OpenedDatabase, tmp_path: Path
) -> None:
    app = App(
        target="main:app",
        interface=Interface.WSGI,
        framework=Framework.UNKNOWN,
        directory=tmp_path,
        python=Path(sys.executable),
    )
    probe = Probe.create(tmp_path / "probe")
    with clones(guardian, shop) as made:
        redirect = made.redirect("changed")
        environment = {"PATH": os.defpath, **probe.environment(app, databases=redirect)}
        answer = json.loads(
            run([sys.executable, "-c", APPLICATION, server.url], environment, text="")
        )
        confirm([answer["databases"]], redirect)
        (opened,) = read_databases([answer])
        assert (opened.system, opened.driver, opened.name) == ("postgresql", "psycopg", "shop")


def test_a_file_is_cloned_into_the_folder_of_the_run(guardian: Guardian, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER)")
    database = OpenedDatabase(
        system="sqlite", driver="sqlite3", name=str(path), parameters={"database": str(path)}
    )
    with clones(guardian, database) as made:
        made.migrate(migrate(INDEX))
        files = [Path(made.redirect(arm)[str(path)]) for arm in ("baseline", "changed")]
        assert [file.parent for file in files] == [guardian.folder] * 2
        assert [_file_indexes(file) for file in files] == [[], [NAME]]
    assert _file_indexes(path) == []
    assert not any(file.exists() for file in files)


def _file_indexes(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        ]
