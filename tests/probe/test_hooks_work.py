"""Encoders, serializers and password hashing: recorded once, with the line that asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from running import Probe

BEGIN = """
import asyncio
from pinchpoint_probe import postimport, spans
frame = spans.begin(7, 0)
spans.current.set(frame)
"""


def run(probe: Probe, code: str) -> str:
    return probe.run(f"{BEGIN}{code}\nassert not postimport.failures, postimport.failures\n")


def test_encoders_are_recorded(probe: Probe) -> None:
    code = """
import msgspec, orjson, ujson
print(orjson.dumps({"a": 1}))
print(ujson.dumps({"a": 1}))
print(msgspec.json.encode({"a": 1}))
"""
    assert run(probe, code).splitlines() == ["""b'{"a":1}'""", """{"a":1}""", """b'{"a":1}'"""]
    found = [(span.name, span.line.split(":")[1]) for span in spans(probe.folder, "serialize")]
    assert found == [("orjson.dumps", "8"), ("ujson.dumps", "9"), ("msgspec.json.encode", "10")]


def test_of_models_that_are_dumped_the_large_ones_are_recorded(probe: Probe) -> None:
    code = """
import pydantic
class Item(pydantic.BaseModel):
    id: int
class Page(pydantic.BaseModel):
    items: list[Item]
page = Page(items=[Item(id=number) for number in range(3000)])
print(len(page.model_dump()["items"]), len(page.model_dump_json()))
print(len(pydantic.TypeAdapter(Page).dump_json(page)))
"""
    assert run(probe, code) == "3000 34901\n34901"
    found = [span for span in spans(probe.folder, "serialize") if span.name != "JSONEncoder.encode"]
    assert [(span.name, span.line.split(":")[1]) for span in found] == [
        ("pydantic model_dump", "13"),
        ("pydantic model_dump_json", "13"),
        ("pydantic dump_json", "14"),
    ]


def test_passwords_are_recorded_and_block_a_loop(probe: Probe) -> None:
    code = """
import argon2, bcrypt, hashlib
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1).hex()[:8])
hashlib.scrypt(b"p", salt=b"s", n=2, r=1, p=1)
hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
print(hasher.verify(hasher.hash("p"), "p"))
async def handler():
    return bcrypt.checkpw(b"p", bcrypt.hashpw(b"p", bcrypt.gensalt(4)))
print(asyncio.run(handler()))
"""
    assert run(probe, code).split() == ["120fb6cf", "True", "True"]
    found = spans(probe.folder, "hash")
    assert [span.name for span in found] == [
        "hashlib.pbkdf2_hmac",
        "hashlib.scrypt",
        "argon2.hash_secret",
        "argon2.verify_secret",
        "bcrypt.hashpw",
        "bcrypt.checkpw",
    ]
    assert [span.flags for span in found] == [0, 0, 0, 0, wire.BLOCKED_LOOP, wire.BLOCKED_LOOP]
    assert found[-1].function == "handler"


def test_a_collection_is_recorded_in_the_request_that_set_it_off(probe: Probe) -> None:
    code = """
import gc
from pinchpoint_probe import pauses
pauses.watch()
pauses.watch()
kept = [[number] for number in range(200_000)]
def handler():
    gc.collect()
gc.disable()
handler()
spans.current.set(None)
gc.collect()
"""
    run(probe, code)
    found = [span for span in spans(probe.folder, "gc") if span.function == "handler"]
    assert [span.name for span in found] == ["generation 2"]


SITE = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "main.slow", "main.Quick"],
    INSTALLED_APPS=["rest_framework"] if WITH_DRF else [],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []},
)
import sys, time
sys.modules["main"] = sys.modules[__name__]
django.setup()
from django.test import Client
from django.http import HttpResponse
from django.urls import path

def slow(get_response):
    def middleware(request):
        time.sleep(0.001)
        return get_response(request)
    return middleware

class Quick:
    def __init__(self, get_response):
        self.get_response = get_response
    def __call__(self, request):
        return self.get_response(request)

def plain(request):
    time.sleep(0.002)
    return HttpResponse("plain")

urlpatterns = [path("plain/", plain)]
"""


def test_middleware_has_spans_while_it_takes_time_of_its_own(probe: Probe) -> None:
    code = """
client = Client()
for _ in range(40):
    assert client.get("/plain/").content == b"plain"
"""
    run(probe, "WITH_DRF = False" + SITE + code)
    (first, *_, last) = (span for span in spans(probe.folder, "app") if span.function == "plain")
    app = spans(probe.folder, "app")
    assert sum(span.name == "__main__.slow" for span in app) == 40
    assert {span.function for span in app if span.name == "__main__.slow"} == {
        "slow.<locals>.middleware"
    }
    assert sum(span.name == "__main__.Quick" for span in app) < 40
    parents = {span.span: span.name for span in spans(probe.folder)}
    assert parents[first.parent] == "__main__.Quick"
    assert last.parent != 0


def test_serializers_and_renderers_of_rest_framework_are_two_spans(probe: Probe) -> None:
    code = """
from rest_framework import serializers, views
from rest_framework.response import Response
class ItemSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.SerializerMethodField()
    def get_name(self, item):
        time.sleep(0)
        return "cup"
class Items(views.APIView):
    def get(self, request):
        return Response(ItemSerializer([{"id": 1}, {"id": 2}], many=True).data)
urlpatterns.append(path("items/", Items.as_view()))
print(Client().get("/items/", headers={"accept": "application/json"}).content.decode())
"""
    answer = run(probe, "WITH_DRF = True" + SITE + code)
    assert answer == '[{"id":1,"name":"cup"},{"id":2,"name":"cup"}]'
    found = spans(probe.folder, "serialize")
    assert [span.name for span in found] == ["ItemSerializer", "JSONRenderer.render"]
    inner = [span for span in spans(probe.folder, "sleep") if span.function.endswith("get_name")]
    assert {span.parent for span in inner} == {found[0].span}


def test_the_function_of_a_ninja_operation_is_the_application(probe: Probe) -> None:
    code = """
from ninja import NinjaAPI, Schema
class Item(Schema):
    id: int
api = NinjaAPI()
@api.get("/item/{item_id}", response=Item)
def item(request, item_id: int):
    return {"id": item_id}
@api.get("/waiting")
async def waiting(request):
    return {"id": 4}
urlpatterns.append(path("api/", api.urls))
client = Client()
print(client.get("/api/item/3").content, client.get("/api/waiting").content)
"""
    assert run(probe, "WITH_DRF = False" + SITE + code) == """b'{"id": 3}' b'{"id": 4}'"""
    functions = {span.function for span in spans(probe.folder, "app")}
    assert {"item", "waiting"} <= functions
    found = spans(probe.folder, "serialize")
    assert [span.name for span in found] == ["Operation._result_to_response"] * 2


def test_middleware_of_fastapi_has_spans_while_it_takes_time_of_its_own(probe: Probe) -> None:
    code = """
import fastapi, time
from starlette.middleware.gzip import GZipMiddleware
class Slow:
    def __init__(self, app):
        self.app = app
    async def __call__(self, scope, receive, send):
        time.sleep(0.001)
        await self.app(scope, receive, send)
app = fastapi.FastAPI()
app.add_middleware(GZipMiddleware)
app.add_middleware(Slow)
@app.middleware("http")
async def stamp(request, call_next):
    time.sleep(0.001)
    response = await call_next(request)
    response.headers["stamp"] = "1"
    return response
@app.get("/")
async def index():
    time.sleep(0.001)
    return {"a": 1}
async def ask():
    sent = []
    async def send(message):
        sent.append(message)
    async def receive():
        return {"type": "http.request", "body": b""}
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
             "path": "/", "raw_path": b"/", "query_string": b"", "headers": [], "root_path": ""}
    await app(scope, receive, send)
    return [message.get("status") or message["body"] for message in sent]
async def main():
    for _ in range(20):
        answer = await ask()
    print(answer)
asyncio.run(main())
"""
    assert run(probe, code).startswith("[200, b'{\"a\":1}'")
    app = spans(probe.folder, "app")
    names = [span.name for span in app]
    assert [names.count(name) for name in ("__main__.Slow", "__main__.stamp")] == [20, 20]
    assert names.count("index") == 20
    assert {span.function for span in app if span.name == "__main__.Slow"} == {"Slow.__call__"}
    assert {span.function for span in spans(probe.folder, "sleep")} == {
        "Slow.__call__",
        "index",
        "stamp",
    }
    framework = [span.name for span in spans(probe.folder, "framework")]
    assert "fastapi.middleware.asyncexitstack.AsyncExitStackMiddleware" in framework[:5]
