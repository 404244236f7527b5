"""SQLAlchemy and Django above the drivers: once per statement, pools, read-only sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import reading
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

pytest_plugins = ["postgres_fixture"]

BEGIN = """
from pinchpoint_probe import patching, postimport, spans, state
frame = spans.begin(7, 0)
spans.current.set(frame)
"""
GUARD = """
with open(state.directory + "/control", "r+b") as control:
    control.seek(1)
    control.write(b"\\x01")
"""
MODEL = """
import sqlalchemy
from sqlalchemy import orm
class Base(orm.DeclarativeBase):
    pass
class Item(Base):
    __tablename__ = "items"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str]
"""
DJANGO = """
import django
from django.conf import settings
settings.configure(DATABASES={{"default": {database}}})
django.setup()
from django.db import connection, models
class Item(models.Model):
    name = models.TextField()
    class Meta:
        app_label = "shop"
        db_table = "items"
"""


def run(probe: Probe, code: str, **options: str) -> str:
    end = "\nassert not postimport.failures, postimport.failures\n"
    return probe.run(BEGIN + code + end, **options)


def url(shop: PostgreSQL, driver: str) -> str:
    return f"postgresql+{driver}://tester@127.0.0.1:{shop.port}/shop"


def selects(probe: Probe) -> list[reading.Record]:
    return [span for span in spans(probe.folder, "sql") if "FROM items" in span.name]


def holds(probe: Probe) -> list[reading.Record]:
    return [record for record in reading.read_records(probe.folder) if record.kind == wire.HOLD]


drivers = pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])


@drivers
def test_sqlalchemys_statements_are_recorded_once(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = f"""{MODEL}
engine = sqlalchemy.create_engine("{url(shop, driver)}")
with orm.Session(engine) as session:
    print([item.name for item in session.scalars(sqlalchemy.select(Item).order_by(Item.id))])
    session.add(Item(id=9, name="new"))
    session.commit()
"""
    assert run(probe, code) == "['cup', 'pot', 'jug']"
    (select,) = selects(probe)
    assert select.rows == 3
    assert select.line.startswith("main.py:")
    inserts = [span for span in spans(probe.folder, "sql") if span.name.startswith("INSERT")]
    assert len(inserts) == 1


@drivers
def test_sqlalchemys_pool_says_who_held_a_connection(
    probe: Probe, shop: PostgreSQL, driver: str
) -> None:
    code = f"""
import sqlalchemy
one = sqlalchemy.create_engine("{url(shop, driver)}", pool_size=1, max_overflow=2)
two = sqlalchemy.create_engine("{url(shop, driver)}", pool_size=1, max_overflow=2)
for engine in (one, two, one):
    with engine.connect() as connection:
        pass
"""
    run(probe, code)
    name = f"pool 1+2 of postgresql+{driver}"
    assert [hold.name for hold in holds(probe)] == [name, f"{name} #2", name]
    assert {hold.trace for hold in holds(probe)} == {7}
    assert all(hold.line.startswith("main.py:") for hold in holds(probe))
    wait = spans(probe.folder, "pool_wait")[0]
    assert spans(probe.folder, "connect")[0].parent == wait.span


def test_a_wait_for_sqlalchemys_pool_ends_when_the_other_gives_back(
    probe: Probe, shop: PostgreSQL
) -> None:
    code = f"""
import sqlalchemy, threading
engine = sqlalchemy.create_engine("{url(shop, "psycopg")}", pool_size=1, max_overflow=0)
first = engine.connect()
threading.Timer(0.05, first.close).start()
engine.connect().close()
"""
    run(probe, code)
    wait = spans(probe.folder, "pool_wait")[-1]
    assert wait.start_ns < holds(probe)[0].end_ns <= wait.end_ns


def test_a_pool_that_times_out_fails(probe: Probe, shop: PostgreSQL) -> None:
    code = f"""
import sqlalchemy
engine = sqlalchemy.create_engine(
    "{url(shop, "psycopg")}", pool_size=1, max_overflow=0, pool_timeout=0.01)
first = engine.connect()
try:
    engine.connect()
except sqlalchemy.exc.TimeoutError:
    print("timed out", spans.active() is frame)
"""
    assert run(probe, code) == "timed out True"
    assert spans(probe.folder, "pool_wait")[-1].flags == wire.FAILED


def test_a_null_pool_makes_nobody_wait(probe: Probe, shop: PostgreSQL) -> None:
    code = f"""
import sqlalchemy
engine = sqlalchemy.create_engine(
    "{url(shop, "psycopg")}", poolclass=sqlalchemy.pool.NullPool)
engine.connect().close()
"""
    run(probe, code)
    assert spans(probe.folder, "pool_wait") == holds(probe) == []
    assert len(spans(probe.folder, "connect")) == 1


@pytest.mark.parametrize("is_early", [True, False], ids=["before", "after"])
def test_sqlalchemy_cannot_write_under_guard(
    probe: Probe, shop: PostgreSQL, *, is_early: bool
) -> None:
    addresses = [url(shop, "psycopg"), url(shop, "psycopg2"), "sqlite:///shop.db"]
    code = f"""{MODEL}
engines = [sqlalchemy.create_engine(address) for address in {addresses}]
for engine in engines:
    Base.metadata.create_all(engine)
    if {is_early}:
        engine.dispose()
{GUARD}
for engine in engines:
    with orm.Session(engine) as session:
        before = session.scalar(sqlalchemy.select(sqlalchemy.func.count(Item.id)))
        session.add(Item(id=9, name="new"))
        try:
            session.commit()
        except sqlalchemy.exc.DBAPIError:
            print(engine.driver, frame.request.refusals)
            session.rollback()
        after = session.scalar(sqlalchemy.select(sqlalchemy.func.count(Item.id)))
        print(before == after)
"""
    refused = ["psycopg 1", "psycopg2 2", "pysqlite 3"]
    assert run(probe, code) == "\n".join(f"{one}\nTrue" for one in refused)


def test_sqlalchemys_asyncio_is_observed(probe: Probe, shop: PostgreSQL) -> None:
    pytest.importorskip("greenlet")
    code = f"""{MODEL}
import asyncio
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
engine = create_async_engine("{url(shop, "psycopg")}", pool_size=1, max_overflow=0)
async def handler():
    async with AsyncSession(engine) as session:
        return [item.name for item in await session.scalars(sqlalchemy.select(Item))]
async def main():
    print(await asyncio.gather(handler(), handler()))
    await engine.dispose()
asyncio.run(main())
"""
    assert run(probe, code) == str([["cup", "pot", "jug"]] * 2)
    assert [(span.rows, span.function, span.flags) for span in selects(probe)] == [
        (3, "handler", 0)
    ] * 2
    assert [hold.name for hold in holds(probe)] == ["pool 1+0 of postgresql+psycopg"] * 2
    assert {wait.function for wait in spans(probe.folder, "pool_wait")} == {"handler"}


def test_a_greenlet_without_code_of_the_user_has_no_site(probe: Probe) -> None:
    pytest.importorskip("greenlet")
    code = """
import greenlet
greenlet.greenlet(lambda: spans.leaf(frame, 4, "SELECT 1", 0)).switch()
"""
    run(probe, code, **{wire.USER_CODE_VARIABLE: "/elsewhere"})
    (span,) = spans(probe.folder, "sql")
    assert span.site == ""


@pytest.mark.parametrize("is_guarded", [True, False])
def test_aiosqlite_is_observed_and_guarded(probe: Probe, *, is_guarded: bool) -> None:
    pytest.importorskip("aiosqlite")
    pytest.importorskip("greenlet")
    code = f"""{MODEL}
import asyncio
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
engine = create_async_engine("sqlite+aiosqlite:///shop.db")
async def main():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    {"open(state.directory + '/control', 'r+b').write(bytes([1, 1]))" if is_guarded else ""}
    async with AsyncSession(engine) as session:
        print(list(await session.scalars(sqlalchemy.select(Item.name))))
        session.add(Item(id=1, name="new"))
        try:
            await session.commit()
        except sqlalchemy.exc.DBAPIError:
            print("refused", frame.request.refusals)
    await engine.dispose()
asyncio.run(main())
"""
    assert run(probe, code) == ("[]\nrefused 1" if is_guarded else "[]")
    assert {span.function for span in selects(probe)} == {"main"}


@pytest.mark.parametrize("pool", ["", '"pool": True'])
def test_django_on_postgresql(probe: Probe, shop: PostgreSQL, pool: str) -> None:
    database = (
        f'{{"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "tester",'
        f'"HOST": "127.0.0.1", "PORT": {shop.port}, "OPTIONS": {{{pool}}}}}'
    )
    code = f"""{DJANGO.format(database=database)}{GUARD}
print([item.name for item in Item.objects.filter(id__lt=3).order_by("id")])
from django.db import InternalError
try:
    Item.objects.filter(id=1).delete()
except InternalError:
    print("refused", frame.request.refusals)
connection.close()
if connection.pool: connection.close_pool()
"""
    assert run(probe, code) == "['cup', 'pot']\nrefused 1"
    select = next(span for span in spans(probe.folder, "sql") if span.name.startswith("SELECT"))
    assert "%s" in select.name
    assert shop.query("SELECT count(*) FROM items") == [(3,)]
    assert len(holds(probe)) == (1 if pool else 0)


def test_django_on_sqlite(probe: Probe) -> None:
    database = '{"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}'
    code = f"""{DJANGO.format(database=database)}
with connection.schema_editor() as editor:
    editor.create_model(Item)
Item.objects.create(name="cup")
{GUARD}
print([item.name for item in Item.objects.filter(id=1)])
from django.db import OperationalError
try:
    Item.objects.filter(id=1).update(name="pot")
except OperationalError:
    print("refused", frame.request.refusals)
from pinchpoint_probe import databases
for plan in databases.explain()["plans"]:
    if plan["statement"].startswith("SELECT"):
        print(plan["plan"], plan["tables"], plan["error"])
"""
    seen = run(probe, code).split("\n")
    assert seen[:2] == ["['cup']", "refused 1"]
    searches = "['SEARCH items USING INTEGER PRIMARY KEY (rowid=?)'] {'items': {'rows': 1}} "
    assert seen[-1] == searches.rstrip()
    names = [span.name for span in spans(probe.folder, "sql") if "SELECT" in span.name]
    assert len(names) == len(set(names))


def test_the_tool_asks_a_served_application(probe: Probe) -> None:
    probe.write(
        "shop.py",
        """
        import flask, sqlite3
        app = flask.Flask(__name__)
        sqlite3.connect("shop.db").executescript(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);"
            "INSERT INTO items (name) VALUES ('cup');"
        )

        @app.get("/")
        def index():
            with sqlite3.connect("shop.db") as db:
                return db.execute("SELECT id FROM items WHERE name = ?", ("cup",)).fetchall()
        """,
    )
    with probe.serve("gunicorn", "-b", "127.0.0.1:{port}", "shop:app") as server:
        assert server.get("/", trace=1)[2] == b"[[1]]\n"
        path = str(probe.app / "shop.db")
        assert server.ask("databases")["databases"] == {path: path}
        assert server.ask("explain", statements=None)["plans"][0]["plan"] == ["SCAN items"]
        assert server.ask("sample", table="items", column="id", limit=5)["values"] == [1]
        assert server.ask("connections")["connections"][0]["driver"] == "sqlite3"
    assert [span.function for span in selects(probe)] == ["index"]
