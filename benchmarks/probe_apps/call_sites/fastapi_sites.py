"""Ways in which a statement comes about in a FastAPI app; each has marked lines."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager
from typing import Annotated

import fastapi
import more_sites
import pydantic
from fastapi.responses import StreamingResponse
from more_sites import FIRST, Item, Owner
from sqlalchemy import orm, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

more_sites.create()
url = more_sites.engine.url.set(drivername="sqlite+aiosqlite")
engine = create_async_engine(url)
app = fastapi.FastAPI()


async def open_session():
    async with AsyncSession(engine) as session:
        yield session


def open_sync_session():
    with orm.Session(more_sites.engine) as session:
        yield session


Db = Annotated[AsyncSession, fastapi.Depends(open_session)]
SyncDb = Annotated[orm.Session, fastapi.Depends(open_sync_session)]


@app.get("/plain")
async def plain(db: Db):
    return await db.scalar(FIRST)  # site: plain


@app.get("/in_threadpool")
def in_threadpool(db: SyncDb):
    return db.scalar(FIRST)  # site: in_threadpool


async def first(db: Db):
    return await db.scalar(FIRST)  # site: dependency


@app.get("/dependency")
async def dependency(name: Annotated[str, fastapi.Depends(first)]):
    return name


def first_sync(db: SyncDb):
    return db.scalar(FIRST)  # site: sync_dependency


@app.get("/sync_dependency")
async def sync_dependency(name: Annotated[str, fastapi.Depends(first_sync)]):
    return name


async def with_end(db: Db):
    yield await db.scalar(FIRST)  # site: yielding_dependency


@app.get("/yielding_dependency")
async def yielding_dependency(name: Annotated[str, fastapi.Depends(with_end)]):
    return name


class First:
    async def __call__(self, db: Db):
        return await db.scalar(FIRST)  # site: class_dependency


@app.get("/class_dependency")
async def class_dependency(name: Annotated[str, fastapi.Depends(First())]):
    return name


async def one():
    async with AsyncSession(engine) as session:
        return await session.scalar(FIRST)  # site: gather


async def other():
    async with AsyncSession(engine) as session:
        await asyncio.sleep(0)
        return await session.scalar(FIRST)  # site: gather


@app.get("/gather")
async def gather():
    return await asyncio.gather(one(), other(), one())


async def in_group():
    async with AsyncSession(engine) as session:
        return await session.scalar(FIRST)  # site: task_group


@app.get("/task_group")
async def task_group():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(in_group()) for _ in range(3)]
    return [task.result() for task in tasks]


@app.get("/gather_of_library")
async def gather_of_library(db: Db):
    async with AsyncSession(engine) as more:
        found = asyncio.gather(db.scalar(FIRST), more.scalar(FIRST))  # site: gather_of_library
        return await found


@app.get("/with_timeout")
async def with_timeout(db: Db):
    return await asyncio.wait_for(db.scalar(FIRST), 10)  # site: with_timeout


@app.get("/comprehension")
async def comprehension(db: Db):
    return [await db.scalar(FIRST) for _ in range(2)]  # site: comprehension


async def names(db):
    for _ in range(2):
        yield await db.scalar(FIRST)  # site: async_generator


@app.get("/async_generator")
async def async_generator(db: Db):
    return [name async for name in names(db)]


@asynccontextmanager
async def named(db):
    yield await db.scalar(FIRST)  # site: async_context
    await db.scalar(FIRST)  # site: async_context


@app.get("/async_context")
async def async_context(db: Db):
    async with named(db) as name:
        return name


def with_name(function):
    @functools.wraps(function)
    async def call(db: Db):
        await db.scalar(FIRST)  # site: decorator
        return await function(db)

    return call


@app.get("/decorator")
@with_name
async def decorator(db: Db):
    return await db.scalar(FIRST)  # site: decorator


@app.get("/partial")
async def partial(db: Db):
    ask = functools.partial(db.scalar, FIRST)
    return await ask()  # site: partial


@app.get("/lambda")
async def get_lambda(db: Db):
    ask = lambda: db.scalar(FIRST)  # noqa: E731
    return await ask()  # site: lambda


@app.get("/awaited_later")
async def awaited_later(db: Db):
    coming = db.scalar(FIRST)
    await asyncio.sleep(0)
    return await coming  # site: awaited_later


@app.get("/run_sync")
async def run_sync(db: Db):
    return await db.run_sync(lambda own: own.get(Item, 1).owner.name)  # site: run_sync


@app.get("/refreshed")
async def refreshed(db: Db):
    item = await db.get(Item, 1)  # site: refreshed
    await db.refresh(item, ["owner"])  # site: refreshed
    return item.owner.name


@app.get("/streamed_rows")
async def streamed_rows(db: Db):
    rows = await db.stream_scalars(FIRST)  # site: streamed_rows
    return [name async for name in rows]


@app.get("/to_thread")
async def to_thread():
    return await asyncio.to_thread(more_sites.in_thread)


@app.get("/lazy_relation")
def lazy_relation(db: SyncDb):
    return [
        item.name
        for owner in db.scalars(select(Owner)).all()  # site: lazy_relation
        for item in owner.items  # site: lazy_relation
    ]


class Shown(pydantic.BaseModel):
    model_config = {"from_attributes": True}
    name: str
    owner_name: str


@app.get("/validated")
def validated(db: SyncDb):
    item = db.get(Item, 1)  # site: validated
    return Shown.model_validate(item)


class Asked(pydantic.BaseModel):
    @pydantic.computed_field
    @property
    def name(self) -> str:
        with orm.Session(more_sites.engine) as own:
            return own.scalar(FIRST)  # site: computed_field


@app.get("/computed_field")
async def computed_field() -> Asked:
    return Asked()


class ShownOwner(pydantic.BaseModel):
    model_config = {"from_attributes": True}
    name: str


class ShownLazily(pydantic.BaseModel):
    model_config = {"from_attributes": True}
    owner: ShownOwner


@app.get("/response_model", response_model=ShownLazily)
def response_model(db: SyncDb):
    item = db.get(Item, 1)  # site: response_model
    return item  # noqa: RET504  # site: response_model


@app.get("/streamed")
async def streamed(db: Db):
    async def lines():
        yield await db.scalar(FIRST)  # site: streamed

    return StreamingResponse(lines())


@app.middleware("http")
async def middleware(request, call_next):
    if request.url.path == "/middleware":
        async with AsyncSession(engine) as session:
            await session.scalar(FIRST)  # site: middleware
    return await call_next(request)


@app.get("/middleware")
async def get_middleware():
    return "ok"
