"""Whatever goes wrong in the probe, the application answers as it does without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from running import Probe

pytest_plugins = ["cache_servers"]

APP = """
import asyncio, hashlib, http.client, json, os, socket, sqlite3, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import argon2, bcrypt, cachelib, fastapi, flask, jinja2, msgspec, orjson, pydantic, redis
import sqlalchemy, starlette.responses, ujson
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "main.middleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []},
)
sys.modules["main"] = sys.modules[__name__]
import django
django.setup()
import ninja
from django.core.cache import cache
from django.http import JsonResponse
from django.template import engines
from django.test import Client
from django.urls import path
from rest_framework import response, serializers, views

LOCK, WAITING_LOCK = threading.Lock(), asyncio.Lock()
STORE = redis.Redis(port=int(os.environ["VALKEY"]))
ENGINE = sqlalchemy.create_engine("sqlite:///shop.db")
QUICK = cachelib.SimpleCache()
HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

class Item(pydantic.BaseModel):
    id: int

class ItemSerializer(serializers.Serializer):
    id = serializers.IntegerField()

class Items(views.APIView):
    renderer_classes = ["rest_framework.renderers.JSONRenderer"]
    def get(self, request):
        return response.Response(ItemSerializer([{"id": 1}], many=True).data)
from rest_framework.renderers import JSONRenderer
Items.renderer_classes = [JSONRenderer]

def middleware(get_response):
    def call(request):
        return get_response(request)
    return call

def view(request, item_id):
    cache.set("key", item_id)
    text = engines["django"].from_string("{{ a }}").render({"a": cache.get("key")})
    return JsonResponse({"text": text})

api = ninja.NinjaAPI()
@api.get("/item")
def operation(request):
    return {"id": 3}
urlpatterns = [path("view/<int:item_id>/", view), path("items/", Items.as_view()),
               path("api/", api.urls)]

small = flask.Flask(__name__)
@small.get("/page/<name>")
def page(name):
    return flask.jsonify(page=flask.render_template_string("{{ name }}", name=name))

large = fastapi.FastAPI()
@large.get("/sync/{item_id}")
def sync(item_id: int) -> Item:
    return Item(id=item_id)
@large.get("/waiting")
async def waiting() -> Item:
    async with WAITING_LOCK:
        return Item(id=4)

async def ask(application, path):
    sent = []
    async def send(message):
        sent.append(message)
    async def receive():
        return {"type": "http.request", "body": b""}
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
             "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
             "root_path": "", "scheme": "http"}
    await application(scope, receive, send)
    return repr(sent)

def stored():
    STORE.set("key", "value")
    with STORE.pipeline() as pipe:
        return pipe.get("key").execute()

def locked():
    with LOCK:
        return "locked"

def selected():
    with ENGINE.connect() as connection:
        return connection.execute(sqlalchemy.text("select 1")).all()

def fetched():
    connection = sqlite3.connect("shop.db")
    try:
        return connection.execute("select 2").fetchall()
    finally:
        connection.close()

def refused():
    connection = http.client.HTTPConnection("127.0.0.1", 1, timeout=1)
    try:
        connection.request("GET", "/")
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()

def cached():
    QUICK.set("key", 5)
    return QUICK.get("key")

def in_thread():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(locked).result()

PARTS = {
    "json": lambda: json.dumps({"a": 1}),
    "orjson": lambda: orjson.dumps({"a": 1}),
    "ujson": lambda: ujson.dumps({"a": 1}),
    "msgspec": lambda: msgspec.json.encode({"a": 1}),
    "pydantic": lambda: Item(id=1).model_dump_json(),
    "hashlib": lambda: hashlib.pbkdf2_hmac("sha256", b"p", b"salt", 2),
    "bcrypt": lambda: bcrypt.checkpw(b"p", bcrypt.hashpw(b"p", bcrypt.gensalt(4))),
    "argon2": lambda: HASHER.verify(HASHER.hash("p"), "p"),
    "jinja2": lambda: jinja2.Template("{{ a }}").render(a=1),
    "time": lambda: time.sleep(0),
    "django": lambda: Client().get("/view/3/").content,
    "rest_framework": lambda: Client().get("/items/").content,
    "ninja": lambda: Client().get("/api/item").content,
    "flask": lambda: small.test_client().get("/page/x").data,
    "fastapi": lambda: asyncio.run(ask(large, "/sync/3")),
    "asyncio": lambda: asyncio.run(ask(large, "/waiting")),
    "redis": stored,
    "threading": locked,
    "sqlalchemy": selected,
    "sqlite3": fetched,
    "http": refused,
    "cachelib": cached,
    "concurrent": in_thread,
}

def app(environ, start_response):
    start_response("200 OK", [])
    for name in environ["PARTS"]:
        yield f"{name} {PARTS[name]()!r}\\n".encode()
"""
ANSWER = """
def answer(application=app, parts=tuple(PARTS)):
    environ = {"HTTP_X_PINCHPOINT": "7-1", "REQUEST_METHOD": "GET", "PARTS": parts}
    return b"".join(application(environ, lambda *_: None)).decode()
"""
BROKEN = """
import gc, types
from unittest import mock
from pinchpoint_probe import entry, outbound, patching, pools, postimport, sites, state
from pinchpoint_probe import templates, wrapping
class Broken(Exception):
    pass
broken = mock.Mock(side_effect=Broken)
answers = {"as it is": answer(entry.wrap_wsgi(app))}
assert not postimport.failures, postimport.failures

PARTS_OF_THE_PROBE = {
    "sink": (state.sink, ["write", "text"]),
    "sites": (sites, ["site", "definition", "code_of", "is_user_code"]),
    "templates": (templates, ["from_angles", "from_django"]),
    "labels": (pools, ["label"]),
    "outbound": (outbound, ["name_of"]),
    "names": (wrapping, ["name_of"]),
}
for name, (owner, attributes) in PARTS_OF_THE_PROBE.items():
    with mock.patch.multiple(owner, **dict.fromkeys(attributes, broken)):
        answers[name] = answer(entry.wrap_wsgi(app))
assert all("Broken()" in failure for failure in postimport.failures), postimport.failures
postimport.failures.clear()

finder = next(one for one in sys.meta_path if hasattr(one, "patch_for"))
replace = patching.replace
def replace_and_raise(*arguments):
    replace(*arguments)
    raise Broken
for name in list(postimport.hooked):
    with mock.patch.object(patching, "replace", replace_and_raise):
        postimport.run(name, sys.modules[name], finder.patch_for(name))
    if postimport.failures:  # else it changes a class once and for all, and has done so
        assert postimport.failures.pop().endswith("Broken()"), name
        library = name.partition(".")[0]
        parts = [library] if library in PARTS else ["fastapi"]
        answers["hook " + name] = answer(entry.wrap_wsgi(app), parts)
assert not postimport.failures, postimport.failures

changed = [(owner, name) for owner, name, _ in patching._journal if name]
patching.restore()
answers["undone"] = answer()

def is_ours(value):
    if type(value) in (classmethod, staticmethod, types.MethodType):
        value = value.__func__
    is_function = type(value) is types.FunctionType
    return is_function and "pinchpoint_probe" in value.__code__.co_filename

left = [f"{owner} {name}" for owner, name in changed if is_ours(vars(owner).get(name))]
left += [str(one) for one in gc.callbacks if is_ours(one)]
print(json.dumps({"answers": answers, "left": left, "changed": len(changed)}))
"""


@pytest.fixture(scope="module")
def expected(valkey: int, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the application answers where there is no probe."""
    folder = tmp_path_factory.mktemp("bare")
    bare = Probe(folder / "probe", folder / "app")
    return bare.run(f"{APP}{ANSWER}print(answer())", is_injected=False, VALKEY=str(valkey))


@pytest.fixture(scope="module")
def seen(valkey: int, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The answers under a probe that is broken in one way after the other, and what it left."""
    folder = tmp_path_factory.mktemp("broken")
    probe = Probe(folder / "probe", folder / "app")
    return json.loads(probe.run(APP + ANSWER + BROKEN, VALKEY=str(valkey)))


def test_answers_are_the_same_whatever_raises(seen: Any, expected: str) -> None:
    answers = {name: set(answer.splitlines()) for name, answer in seen["answers"].items()}
    lines = set(expected.splitlines())
    assert [name for name, answer in answers.items() if not answer or not answer <= lines] == []
    assert answers["as it is"] == answers["sink"] == answers["sites"] == lines


def test_every_part_of_the_application_has_a_hook_that_was_made_to_raise(
    seen: Any, expected: str
) -> None:
    hooked = {name.split()[1].partition(".")[0] for name in seen["answers"] if "hook" in name}
    assert {line.split()[0] for line in expected.splitlines()} <= hooked


def test_what_is_undone_leaves_nothing_of_the_probe(seen: Any) -> None:
    assert seen["changed"] > 100
    assert seen["left"] == []
