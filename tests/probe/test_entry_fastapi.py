"""FastAPI and Starlette under uvicorn: endpoints, threads, dependencies, JSON."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from running import Probe, Traced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Server

APP = """
    import asyncio, time
    from fastapi import APIRouter, Depends, FastAPI, HTTPException
    from fastapi.responses import StreamingResponse
    from pydantic import BaseModel
    from starlette.endpoints import HTTPEndpoint
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Mount, Route

    class Item(BaseModel):
        id: int

    def session():
        time.sleep(0)
        yield 1
        time.sleep(0)

    async def user():
        return "user"

    def limit():
        return 10

    app = FastAPI()
    outer = APIRouter(prefix="/outer")
    inner = APIRouter(prefix="/inner")

    @app.get("/")
    async def index():
        return "index"

    @app.get("/sync/{item_id}", response_model=Item)
    def sync(item_id: int, session=Depends(session), limit=Depends(limit)):
        time.sleep(0)
        return {"id": item_id}

    @inner.get("/items/{item_id}")
    async def item(item_id: int, user=Depends(user)):
        await helper()
        return {"id": item_id, "user": user}

    async def helper():
        await asyncio.sleep(0)
        time.sleep(0)

    @app.get("/loop")
    async def loop():
        await asyncio.get_running_loop().run_in_executor(None, work)
        return await asyncio.to_thread(work)

    def work():
        time.sleep(0)

    @app.get("/stream")
    async def stream():
        async def parts():
            for part in "abc":
                await asyncio.sleep(0)
                yield part
        return StreamingResponse(parts())

    @app.get("/fail")
    async def fail():
        raise LookupError

    @app.get("/refuse")
    def refuse():
        raise HTTPException(418)

    outer.include_router(inner)
    app.include_router(outer)

    class Page(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("page")

    async def hello(request):
        return JSONResponse({"path": request.path_params})

    def plain(request):
        return PlainTextResponse("plain")

    small = Starlette(routes=[
        Route("/hello/{name}", hello),
        Route("/plain", plain),
        Route("/page", Page),
        Mount("/deep/{level:int}", routes=[Route("/hello/{name}", hello)]),
    ])
    app.mount("/small", small)
"""
PATHS = [
    ("/", 200, "/"),
    ("/sync/3", 200, "/sync/{item_id}"),
    ("/sync/x", 422, "/sync/{item_id}"),
    ("/outer/inner/items/3", 200, "/outer/inner/items/{item_id}"),
    ("/loop", 200, "/loop"),
    ("/stream", 200, "/stream"),
    ("/fail", 500, "/fail"),
    ("/refuse", 418, "/refuse"),
    ("/absent", 404, "/absent"),
    ("/small/hello/x", 200, "/small/hello/{name}"),
    ("/small/plain", 200, "/small/plain"),
    ("/small/page", 200, "/small/page"),
    ("/small/deep/1/hello/x", 200, "/small/deep/{level}/hello/{name}"),
    ("/small/absent", 404, "/small/absent"),
    ("/openapi.json", 200, "/openapi.json"),
]
UVICORN = ("uvicorn", "--port", "{port}", "--no-access-log")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Probe, Server]]:
    folder = tmp_path_factory.mktemp("fastapi")
    probe = Probe(folder / "probe", folder / "app")
    probe.write("app.py", APP)
    with probe.serve(*UVICORN, "app:app") as server:
        yield probe, server


@pytest.fixture(scope="module")
def bare(served: tuple[Probe, Server]) -> Iterator[Server]:
    with served[0].serve(*UVICORN, "app:app", is_injected=False) as server:
        yield server


@pytest.mark.parametrize(("path", "status", "template"), PATHS)
def test_answers_are_the_same_and_endpoints_are_templates(
    served: tuple[Probe, Server], bare: Server, path: str, status: int, template: str
) -> None:
    traced = Traced(*served, path)
    assert traced.answer == bare.get(path)
    assert traced.answer == served[1].get(path)
    assert traced.answer[0] == traced.request.extra == status
    assert traced.endpoint == f"GET {template}"


def test_a_method_that_is_not_allowed_is_no_endpoint(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/sync/3", "DELETE")
    assert (traced.request.extra, traced.endpoint) == (405, "DELETE /sync/3")


def test_a_synchronous_endpoint_runs_in_a_thread_it_has_waited_for(
    served: tuple[Probe, Server],
) -> None:
    traced = Traced(*served, "/sync/3")
    endpoint = next(span for span in traced.spans("app") if span.function == "sync")
    waits = [span for span in traced.spans("executor") if span.thread == endpoint.thread]
    assert endpoint.thread != traced.request.thread
    assert any(wait.end_ns <= endpoint.start_ns for wait in waits)


def test_synchronous_dependencies_are_the_applications(served: tuple[Probe, Server]) -> None:
    found = Traced(*served, "/sync/3").wait_for("app", 4)
    assert sorted(span.function for span in found) == ["limit", "session", "session", "sync"]


def test_what_happens_in_a_thread_belongs_to_the_endpoint(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/sync/3")
    sleeps = traced.wait_for("sleep", 3)
    assert sorted(span.function for span in sleeps) == ["session", "session", "sync"]
    endpoint = next(span for span in traced.spans("app") if span.function == "sync")
    sleep = next(span for span in sleeps if span.function == "sync")
    assert sleep.parent == endpoint.span


def test_an_awaited_function_is_named_and_blocks_the_loop(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/outer/inner/items/3")
    assert traced.functions("app") == ["item"]
    (sleep,) = traced.spans("sleep")
    assert (sleep.function, sleep.flags) == ("helper", 1)


def test_the_loops_threads_belong_to_the_request(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/loop")
    assert traced.functions("sleep") == ["work", "work"]
    assert len(traced.spans("executor")) == 2
    assert min(traced.functions("app")) == "loop"


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("/small/hello/x", "hello"),
        ("/small/plain", "plain"),
        ("/small/page", "Page.get"),
        ("/small/deep/1/hello/x", "hello"),
        ("/fail", "fail"),
    ],
)
def test_the_endpoint_function_is_the_application(
    served: tuple[Probe, Server], path: str, function: str
) -> None:
    assert Traced(*served, path).functions("app") == [function]


def test_serialization_is_recorded_once(served: tuple[Probe, Server]) -> None:
    assert [s.name for s in Traced(*served, "/sync/3").spans("serialize")] == ["serialize_response"]
    assert len(Traced(*served, "/small/hello/x").spans("serialize")) == 1


def test_concurrent_requests_keep_their_spans(served: tuple[Probe, Server]) -> None:
    with ThreadPoolExecutor(8) as pool:
        every = list(pool.map(lambda _: Traced(*served, "/sync/3"), range(40)))
    assert all(len(traced.wait_for("app", 4)) == 4 for traced in every)


def test_the_process_says_what_it_observes(served: tuple[Probe, Server]) -> None:
    state = served[1].ask("state")
    assert {"fastapi", "starlette", "uvicorn", "anyio", "json"} <= state["hooked"].keys()
    assert state["failures"] == []


@pytest.mark.parametrize(
    "command",
    [
        (*UVICORN, "app:app", "--workers", "2"),
        (*UVICORN, "--factory", "app:make"),
        (*UVICORN, "--interface", "asgi2", "app:old"),
        (*UVICORN, "--interface", "wsgi", "app:wsgi"),
        ("gunicorn", "-b", "127.0.0.1:{port}", "-k", "asgi", "app:app"),
        ("gunicorn", "-b", "127.0.0.1:{port}", "-k", "uvicorn.workers.UvicornWorker", "app:app"),
    ],
    ids=["workers", "factory", "asgi2", "wsgi", "gunicorn-asgi", "gunicorn-uvicorn"],
)
def test_a_request_is_recorded_once_whatever_starts_the_application(
    probe: Probe, command: tuple[str, ...]
) -> None:
    probe.write("app.py", APP + OTHERS)
    with probe.serve(*command) as server:
        traced = Traced(probe, server, "/")
        assert traced.answer[2] == b'"index"'
        assert traced.request.extra == 200
        assert server.ask("state")["pid"] == traced.request.pid or "--workers" in command


OTHERS = """
    def make():
        return app

    def old(scope):
        async def call(receive, send):
            await app(scope, receive, send)
        return call

    def wsgi(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b'"index"']
"""
