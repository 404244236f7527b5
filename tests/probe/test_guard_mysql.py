"""MySQL's drivers: sessions are read-only under guard, statements recorded with placeholders.

There is no server here: these are imitations of the drivers, in which a session does what the
manual of MySQL says of `SET SESSION TRANSACTION READ ONLY`.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from running import Probe

CURSORS = """
class BaseCursor:
    rowcount = -1
    def __init__(self, connection):
        self.connection = connection
    ASYNC def execute(self, query, args=None):
        values = tuple(map(repr, args or ()))
        self.rowcount = AWAIT self.connection.query(query % values)
    ASYNC def executemany(self, query, args):
        for values in args:
            AWAIT self.execute(query, values)
Cursor = BaseCursor
"""

CONNECTIONS = """
from .cursors import Cursor
class OperationalError(Exception):
    pass
class Connection:
    def __init__(self, host="localhost", database="shop"):
        self.DATABASE, self.host, self.sent = database, host, []
        # OPENED
    ASYNC def CONNECT(self):
        self.is_read_only = False
        if self.host == "absent":
            raise OperationalError(2003, "Can't connect")
        AWAIT self.query("SET NAMES utf8mb4")
    ASYNC def query(self, sql, unbuffered=False):
        self.sent.append(sql)
        if sql == "SET SESSION TRANSACTION READ ONLY":
            self.is_read_only = True
        elif self.is_read_only and sql.startswith(("DELETE", "INSERT")):
            raise OperationalError(1792, "Cannot execute statement in a READ ONLY transaction.")
        return 18446744073709551615 if unbuffered else 1
"""

OPENING = {
    "pymysql": "connection.connect()",
    "aiomysql": "await connection._connect()",
    "asyncmy": "await connection.connect()",
    "MySQLdb": "",
}

MAIN = """
import asyncio
from {module} import Connection, OperationalError
from pinchpoint_probe import patching, postimport, spans, state
frame = spans.begin(7, 0)
spans.current.set(frame)
def guard():
    with open(state.directory + "/control", "r+b") as control:
        control.seek({guard_byte})
        control.write(b"\\x01")
async def connect(**options):
    connection = Connection(**options)
    {opening}
    return connection
async def finish(result):
    return await result if asyncio.iscoroutine(result) else result
async def handler(connection):
    cursor = {module}.Cursor(connection)
{body}
async def main():
    await handler(await connect())
import {module}
asyncio.run(main())
assert not postimport.failures, postimport.failures
"""

drivers = pytest.mark.parametrize("driver", OPENING)
recording = pytest.mark.parametrize("driver", [name for name in OPENING if name != "asyncmy"])
ITEM = "SELECT name FROM items WHERE id = %s"


def imitate(probe: Probe, driver: str) -> None:
    """Write a package with the classes that the driver's hook changes."""
    is_async = driver in {"aiomysql", "asyncmy"}
    words = {"ASYNC ": "async ", "AWAIT ": "await "} if is_async else {"ASYNC ": "", "AWAIT ": ""}
    words["DATABASE"] = "_db" if driver == "asyncmy" else "db"
    words["CONNECT"] = "_connect" if driver == "aiomysql" else "connect"
    if driver == "MySQLdb":
        words["# OPENED"] = "self.connect()"
    for file, code in ((module_of(driver), CONNECTIONS), ("cursors", CURSORS)):
        for word, replacement in words.items():
            code = code.replace(word, replacement)  # noqa: PLW2901  # step by step
        probe.write(f"{driver}/{file}.py", code)
    probe.write(f"{driver}/__init__.py", f"from . import {module_of(driver)}, cursors")


def module_of(driver: str) -> str:
    return "connection" if driver in {"aiomysql", "asyncmy"} else "connections"


def run(probe: Probe, driver: str, body: str) -> str:
    imitate(probe, driver)
    code = MAIN.format(
        module=f"{driver}.{module_of(driver)}",
        guard_byte=wire.CONTROL_GUARD,
        opening=OPENING[driver] or "pass",
        body=textwrap.indent(textwrap.dedent(body), "    "),
    )
    return probe.run(code)


def guard(probe: Probe) -> None:
    with (probe.folder / "control").open("r+b") as control:
        control.seek(wire.CONTROL_GUARD)
        control.write(b"\x01")


REFUSED = """
try:
    await finish(cursor.execute("DELETE FROM items"))
except OperationalError as error:
    print("refused", error.args[0])
"""


@drivers
def test_a_new_session_is_read_only(probe: Probe, driver: str) -> None:
    guard(probe)
    assert run(probe, driver, REFUSED) == "refused 1792"


@drivers
def test_a_session_that_was_open_is_read_only_from_its_next_statement_on(
    probe: Probe, driver: str
) -> None:
    assert run(probe, driver, "guard()" + REFUSED) == "refused 1792"


@drivers
def test_a_session_is_protected_once(probe: Probe, driver: str) -> None:
    guard(probe)
    body = """
    for _ in range(3):
        await finish(cursor.execute("SELECT 1"))
    print(connection.sent.count("SET SESSION TRANSACTION READ ONLY"))
    """
    assert run(probe, driver, body) == "1"


@pytest.mark.parametrize("driver", ["pymysql", "aiomysql", "asyncmy"])
def test_a_session_that_is_opened_again_is_protected_again(probe: Probe, driver: str) -> None:
    guard(probe)
    assert run(probe, driver, OPENING[driver] + REFUSED) == "refused 1792"


@drivers
def test_without_guard_nothing_is_added(probe: Probe, driver: str) -> None:
    body = "await finish(cursor.execute('DELETE FROM items')); print(connection.sent)"
    assert run(probe, driver, body) == "['SET NAMES utf8mb4', 'DELETE FROM items']"


@drivers
def test_a_guard_that_fails_is_noted_and_tried_again(probe: Probe, driver: str) -> None:
    body = """
    def fail(*_):
        raise OperationalError(2014)
    connection.sent = type("Sent", (list,), {"append": fail})()
    guard()
    try:
        await finish(cursor.execute("SELECT 1"))
    except OperationalError:
        print(postimport.failures)
    postimport.failures.clear()
    connection.sent = []
    await finish(cursor.execute("SELECT 2"))
    print(connection.sent)
    """
    failures, sent = run(probe, driver, body).split("\n")
    assert failures == "['mysql guard: OperationalError(2014)']"
    assert sent == "['SET SESSION TRANSACTION READ ONLY', 'SELECT 2']"


@recording
def test_a_refused_write_is_recorded_as_one(probe: Probe, driver: str) -> None:
    guard(probe)
    assert run(probe, driver, REFUSED + "print(frame.request.refusals)").endswith("\n1")
    (span,) = spans(probe.folder, "sql")
    assert span.flags & ~wire.BLOCKED_LOOP == wire.FAILED | wire.REFUSED


@recording
def test_a_statement_is_recorded_once_without_its_values(probe: Probe, driver: str) -> None:
    body = f"""
    await finish(cursor.execute("{ITEM}", (2,)))
    await finish(cursor.executemany("DELETE FROM items WHERE id = %s", [(1,), (2,)]))
    """
    run(probe, driver, body)
    recorded = spans(probe.folder, "sql")
    assert [span.name for span in recorded] == [ITEM, "DELETE FROM items WHERE id = %s"]
    assert [span.rows for span in recorded] == [1, 1]
    blocks = 0 if driver == "aiomysql" else wire.BLOCKED_LOOP
    assert {span.flags for span in recorded} == {blocks}
    assert all(span.line.startswith("main.py:") for span in recorded)


@drivers
def test_connects_are_recorded(probe: Probe, driver: str) -> None:
    body = """
    try:
        await connect(host="absent")
    except OperationalError:
        print("raised")
    """
    assert run(probe, driver, body) == "raised"
    recorded = spans(probe.folder, "connect")
    assert [span.flags & wire.FAILED for span in recorded] == [0, wire.FAILED]
    expected = "mysql " if driver == "MySQLdb" else "mysql shop"  # unless it is told one
    assert [span.name for span in recorded] == [expected] * 2


def test_mysqlclient_does_not_leave_the_machine(probe: Probe) -> None:
    body = """
    guard()
    try:
        await connect(host="db.example.com")
    except OperationalError as error:
        print(error.args[0], "allow_hosts" in error.args[1], frame.request.refusals)
    """
    assert run(probe, "MySQLdb", body) == "2003 True 1"
