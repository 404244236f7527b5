"""sqlite3: statements and slow fetches are recorded, writes refused, clones opened."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from pathlib import Path

    from running import Probe

BEGIN = """
from pinchpoint_probe import databases, patching, postimport, queries, spans, state
import sqlite3
frame = spans.begin(7, 0)
spans.current.set(frame)
"""
CONNECT = 'connection = sqlite3.connect("shop.db")\n'
GUARD = """
with open(state.directory + "/control", "r+b") as control:
    control.seek(1)
    control.write(b"\\x01")
"""


@pytest.fixture
def shop(probe: Probe) -> Path:
    path = probe.app / "shop.db"
    fill(path, "cup", "pot", "jug")
    return path


def fill(path: Path, *names: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
    connection.executemany("INSERT INTO items (name) VALUES (?)", [(name,) for name in names])
    connection.commit()
    connection.close()


def count(path: Path) -> int:
    connection = sqlite3.connect(path)
    (rows,) = connection.execute("SELECT count(*) FROM items").fetchone()
    connection.close()
    return int(rows)


def run(probe: Probe, code: str, **options: str) -> str:
    end = "\nassert not postimport.failures, postimport.failures\n"
    return probe.run(BEGIN + code + end, **options)


@pytest.mark.parametrize("call", ["connection.execute", "connection.cursor().execute"])
def test_a_statement_is_recorded_once_with_its_placeholders(
    probe: Probe, shop: Path, call: str
) -> None:
    code = CONNECT + call + '("SELECT name FROM items WHERE id = ?", (2,))'
    run(probe, code)
    (span,) = spans(probe.folder, "sql")
    assert span.name == "SELECT name FROM items WHERE id = ?"
    assert span.line.startswith("main.py:")
    (connect,) = spans(probe.folder, "connect")
    assert connect.name == shop.name


def test_slow_fetches_are_recorded_and_quick_ones_are_not(probe: Probe, shop: Path) -> None:
    code = f"""{CONNECT}
for limit_ns in (10**12, -1):
    queries.NOTICEABLE_NS = limit_ns
    rows = connection.execute("SELECT id FROM items").fetchall()
    rows += list(connection.execute("SELECT id FROM items"))
    print(rows)
"""
    assert run(probe, code) == "\n".join(["[(1,), (2,), (3,), (1,), (2,), (3,)]"] * 2)
    rows = [span.rows for span in spans(probe.folder, "sql")]
    assert rows == [-1, -1, -1, 3, -1, 1, 1, 1]
    assert shop.exists()


@pytest.mark.parametrize("is_early", [True, False], ids=["before", "after"])
def test_a_guarded_write_changes_nothing_and_is_a_refusal(
    probe: Probe, shop: Path, *, is_early: bool
) -> None:
    guard = [GUARD, CONNECT] if is_early else [CONNECT, GUARD]
    code = f"""{"".join(guard)}
connection.execute("SELECT 1").fetchall()
connection.rollback()
for write in ("DELETE FROM items", "CREATE TABLE t (id)"):
    try:
        connection.execute(write)
    except sqlite3.OperationalError as error:
        print("refused", frame.request.refusals)
"""
    assert run(probe, code) == "refused 1\nrefused 2"
    assert spans(probe.folder, "sql")[-1].flags == wire.REFUSED | wire.FAILED
    assert count(shop) == 3


def test_a_script_is_guarded_too(probe: Probe, shop: Path) -> None:
    code = f"""{CONNECT}{GUARD}
try:
    connection.executescript("DELETE FROM items; COMMIT;")
except sqlite3.OperationalError:
    print("refused")
"""
    assert run(probe, code) == "refused"
    assert count(shop) == 3


@pytest.mark.parametrize(
    "opening",
    [
        'sqlite3.connect("shop.db")',
        'sqlite3.connect(__import__("pathlib").Path("shop.db").resolve())',
        'sqlite3.connect("file:shop.db?mode=rw", uri=True)',
        'sqlite3.connect("shop.db", 5, 0, None, True, sqlite3.Connection)',
        'sqlite3.dbapi2.connect("../app/shop.db")',
    ],
)
def test_the_clone_is_opened_instead(probe: Probe, shop: Path, opening: str) -> None:
    clone = probe.app / "pinchpoint_copy of shop.db"
    fill(clone, "copy")
    clones = {wire.DATABASES_VARIABLE: json.dumps({str(shop.resolve()): str(clone)})}
    code = f"""
print({opening}.execute("SELECT name FROM items").fetchall())
print(list(databases.databases()["databases"].items()))
"""
    first, second = run(probe, code, **clones).split("\n")
    assert first == "[('copy',)]"
    assert second == str([(str(shop.resolve()), str(clone.resolve()))])


def test_a_database_in_memory_works_and_is_not_listed(probe: Probe) -> None:
    code = """
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE t (id)")
connection.execute("INSERT INTO t VALUES (1)")
print(connection.execute("SELECT * FROM t").fetchall(), databases.connections())
"""
    assert run(probe, code) == "[(1,)] {'connections': []}"


def test_classes_of_the_application_stay_what_they_are(probe: Probe, shop: Path) -> None:
    code = """
class Cursor(sqlite3.Cursor):
    pass
class Connection(sqlite3.Connection):
    def cursor(self):
        return super().cursor(Cursor)
class Plain(sqlite3.Connection):
    pass
own = sqlite3.connect("shop.db", factory=Connection)
cursor = own.cursor().execute("SELECT 1")
print(isinstance(own, Connection), isinstance(cursor, Cursor), type(cursor).__name__)
print(isinstance(sqlite3.connect("shop.db", factory=Plain).cursor(Cursor), Cursor))
sqlite3.connect("shop.db", factory=lambda *args, **kwargs: Plain(*args, **kwargs)).close()
"""
    probe_output = probe.run(BEGIN + code)
    assert probe_output == "True True Cursor\nTrue"
    assert [span.name for span in spans(probe.folder, "sql")] == ["SELECT 1"]
    assert shop.exists()


def test_the_plan_and_samples_come_from_a_second_connection(probe: Probe, shop: Path) -> None:
    code = f"""{CONNECT}
connection.execute("SELECT id FROM items WHERE name = ?", ("secret",))
connection.execute("DELETE FROM items WHERE name = ?", ("secret",))
connection.rollback()
import json
print(json.dumps(databases.explain()))
print(sorted(databases.sample("items", "id", 2)["values"]), databases.sample("absent", "id"))
"""
    plans, sample = run(probe, code).split("\n")
    query, write = json.loads(plans)["plans"]
    assert query["plan"] == ["SCAN items"]
    assert query["tables"] == {"items": {"rows": 3}}
    assert write["error"] == "ValueError"
    assert sample == "[1, 2] {'values': [], 'error': 'no database has absent.id'}"
    assert shop.exists()


def test_restore_undoes_every_patch(probe: Probe, shop: Path) -> None:
    code = f"""
patching.restore()
{CONNECT}
connection.execute("SELECT 1")
print(type(connection) is sqlite3.Connection, sqlite3.connect is sqlite3.dbapi2.connect)
"""
    assert run(probe, code) == "True True"
    assert spans(probe.folder, "sql") == []
    assert shop.exists()


def test_explains_what_digests_name(probe: Probe, shop: Path) -> None:
    code = f"""{CONNECT}
import json
from pinchpoint_probe import wire
connection.execute("SELECT * FROM items WHERE name = ?", ("a",)).fetchall()
connection.execute("SELECT * FROM items").fetchall()
names = [wire.digest("SELECT * FROM items"), wire.digest("unknown")]
print(json.dumps([plan["statement"] for plan in databases.explain(digests=names)["plans"]]))
"""
    assert json.loads(run(probe, code)) == ["SELECT * FROM items"]
    assert shop.exists()
