"""The route tables of FastAPI and Starlette applications."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import Probe

APP = """
    import enum, json, uuid
    from typing import Annotated, Literal
    from fastapi import APIRouter, Depends, FastAPI, Query, WebSocket
    from fastapi.security import HTTPBearer, OAuth2PasswordBearer
    from fastapi.staticfiles import StaticFiles
    from pydantic import BaseModel
    from starlette.applications import Starlette
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.routing import Mount, Route

    class Color(enum.Enum):
        RED = "red"

    class Page(BaseModel):
        number: int = 1
        size: int

    def paging(offset: int = 0, limit: Annotated[int, Query(examples=[25])] = 10): ...
    def current_user(token: str = Depends(OAuth2PasswordBearer("token"))): ...
    def maybe_user(token = Depends(HTTPBearer(auto_error=False))): ...

    app = FastAPI()
    app.add_middleware(GZipMiddleware)
    router = APIRouter(prefix="/shop", dependencies=[Depends(current_user)])

    @app.get("/items/{item_id}/{key}/{rest:path}")
    def item(item_id: int, key: uuid.UUID, rest: str): ...

    @app.get("/search")
    def search(q: str, color: Color, order: Literal["up", "down"], flag: bool | None = None,
               paging=Depends(paging), user=Depends(maybe_user)): ...

    @app.get("/pages")
    def pages(page: Annotated[Page, Query()]): ...

    @app.post("/items")
    async def create(): ...

    @router.get("/orders/{order_id}")
    async def order(order_id: int): ...

    @app.websocket("/socket")
    async def socket(socket: WebSocket): ...

    async def hello(request): ...

    app.include_router(router)
    app.mount("/static", StaticFiles(directory="."))
    deep = Mount("/deep", routes=[Route("/", hello)])
    small = Starlette(routes=[Route("/hello/{n:int}", hello), deep])
    app.mount("/small", small)

    async def wrapped(scope, receive, send):
        await app(scope, receive, send)

    from pinchpoint_probe import routes
    print(json.dumps([routes.read(wrapped), routes.read(small)]))
"""


@pytest.fixture(scope="module")
def tables(shared_probe: Probe) -> Any:
    return json.loads(shared_probe.run(APP))


def parameters(tables: Any, path: str, field: str) -> dict[str, Any]:
    (route,) = [route for route in tables[0]["routes"] if route["path"] == path]
    return {one["name"]: one[field] for one in route["parameters"]}


def test_lists_routes_but_not_documentation_files_and_sockets(tables: Any) -> None:
    assert [table["framework"] for table in tables] == ["fastapi", "starlette"]
    assert sorted((route["method"], route["path"]) for route in tables[0]["routes"]) == [
        ("GET", "/items/{item_id}/{key}/{rest}"),
        ("GET", "/pages"),
        ("GET", "/search"),
        ("GET", "/shop/orders/{order_id}"),
        ("GET", "/small/deep/"),
        ("GET", "/small/hello/{n}"),
        ("POST", "/items"),
    ]


def test_knows_the_kinds_of_parameters(tables: Any) -> None:
    path = "/items/{item_id}/{key}/{rest}"
    assert parameters(tables, path, "kind") == {"item_id": "int", "key": "uuid", "rest": "path"}
    assert parameters(tables, "/small/hello/{n}", "kind") == {"n": "int"}
    kinds = parameters(tables, "/search", "kind")
    assert {name: kinds[name] for name in ("q", "flag", "limit")} == {
        "q": "str",
        "flag": "bool",
        "limit": "int",
    }


def test_takes_examples_from_the_description(tables: Any) -> None:
    assert parameters(tables, "/search", "example") == {
        "q": "",
        "color": "red",
        "order": "up",
        "flag": "",
        "offset": "0",
        "limit": "25",
    }


def test_knows_what_is_required(tables: Any) -> None:
    assert [k for k, v in parameters(tables, "/search", "is_required").items() if v] == [
        "q",
        "color",
        "order",
    ]
    assert parameters(tables, "/pages", "is_required") == {"number": False, "size": True}
    assert set(parameters(tables, "/pages", "location").values()) == {"query"}


def test_knows_what_needs_a_login(tables: Any) -> None:
    needing = {route["path"] for route in tables[0]["routes"] if route["needs_login"]}
    assert needing == {"/shop/orders/{order_id}"}


def test_names_handlers(tables: Any) -> None:
    handlers = {route["path"]: route["handler"] for route in tables[0]["routes"]}
    assert handlers["/shop/orders/{order_id}"] == "__main__.order"
    assert handlers["/small/hello/{n}"] == "__main__.hello"


def test_reads_parameters_as_pydantic_1_describes_them(probe: Probe) -> None:
    code = """
        import json
        from types import SimpleNamespace
        import fastapi.security.base
        from pinchpoint_probe.routes import fastapi as routes

        class UndefinedType: ...

        def field(alias, kind, default):
            info = SimpleNamespace(default=default, default_factory=None)
            return SimpleNamespace(alias=alias, outer_type_=kind, field_info=info)

        dependant = SimpleNamespace(
            call=None, dependencies=[],
            path_params=[field("id", int, ...)],
            query_params=[field("q", str, UndefinedType()), field("page", int, 1)],
        )
        print(json.dumps(routes.details(dependant, {"id": "str"})["parameters"]))
    """
    found = json.loads(probe.run(code))
    assert [(one["name"], one["kind"], one["is_required"], one["example"]) for one in found] == [
        ("id", "int", True, ""),
        ("q", "str", True, ""),
        ("page", "int", False, "1"),
    ]
