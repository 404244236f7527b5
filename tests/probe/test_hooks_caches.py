"""Caches: every client's commands with the line that sends them, once, and nothing of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import reading
from reading import spans

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from running import Probe

pytest_plugins = ["cache_servers"]

BEGIN = """
import asyncio
from pinchpoint_probe import postimport, spans
frame = spans.begin(7, 0)
spans.current.set(frame)
"""


def run(probe: Probe, code: str) -> str:
    return probe.run(f"{BEGIN}{code}\nassert not postimport.failures, postimport.failures\n")


def names(probe: Probe, category: str = "cache") -> list[str]:
    return [span.name for span in spans(probe.folder, category)]


libraries = pytest.mark.parametrize(
    ("library", "client"), [("redis", "Redis"), ("valkey", "Valkey")]
)


@libraries
def test_commands_and_pipelines_are_recorded_without_their_keys(
    probe: Probe, valkey: int, library: str, client: str
) -> None:
    code = f"""
import {library}
cache = {library}.{client}(port={valkey})
cache.set("secret", "cup")
print(cache.get("secret"), cache.execute_command(b"get", "absent"))
with cache.pipeline() as pipe:
    print(pipe.get("secret").delete("secret").execute())
"""
    assert run(probe, code) == "b'cup' None\n[b'cup', 1]"
    expected = [f"{library} {name}" for name in ("SET", "GET", "GET", "PIPELINE")]
    assert names(probe) == expected
    assert names(probe, "connect") == [library]
    lines = [span.line for span in spans(probe.folder, "cache")]
    assert [line.split(":")[1] for line in lines] == ["9", "10", "10", "12"]


@libraries
def test_commands_are_awaited_and_do_not_block(
    probe: Probe, valkey: int, library: str, client: str
) -> None:
    code = f"""
from {library} import asyncio as waiting
async def handler():
    async with waiting.{client}(port={valkey}) as cache:
        await cache.set("key", "cup")
        async with cache.pipeline() as pipe:
            return await pipe.get("key").execute()
print(asyncio.run(handler()))
"""
    assert run(probe, code) == "[b'cup']"
    assert names(probe)[-2:] == [f"{library} SET", f"{library} PIPELINE"]
    assert {span.flags for span in spans(probe.folder, "cache")} == {0}
    assert {span.function for span in spans(probe.folder, "cache")} == {"handler"}


def test_a_blocking_client_in_a_coroutine_is_marked(probe: Probe, valkey: int) -> None:
    code = f"""
import redis
cache = redis.Redis(port={valkey})
async def handler():
    cache.get("key")
asyncio.run(handler())
"""
    run(probe, code)
    assert [span.flags for span in spans(probe.folder, "cache")] == [wire.BLOCKED_LOOP]


def test_a_command_that_fails_raises_the_same_and_gives_its_connection_back(
    probe: Probe, valkey: int
) -> None:
    code = f"""
import redis
pool = redis.BlockingConnectionPool(port={valkey}, max_connections=1)
cache = redis.Redis(connection_pool=pool)
cache.set("name", "cup")
try:
    cache.incr("name")
except redis.ResponseError as error:
    print(error)
"""
    assert "not an integer" in run(probe, code)
    assert [span.flags for span in spans(probe.folder, "cache")] == [0, wire.FAILED]
    records = reading.read_records(probe.folder)
    holds = [record.name for record in records if record.kind == wire.HOLD]
    assert holds == ["redis pool of 1"] * 2


def test_outside_of_a_request_nothing_is_recorded(probe: Probe, valkey: int) -> None:
    code = f"""
spans.current.set(None)
import redis
print(redis.Redis(port={valkey}).set("key", 1))
"""
    assert run(probe, code) == "True"
    assert spans(probe.folder) == []


def test_memcached_is_recorded(probe: Probe, memcached: int) -> None:
    code = f"""
from pymemcache.client.base import Client, PooledClient
cache = Client(("127.0.0.1", {memcached}), default_noreply=False)
print(cache.set("secret", "1"), cache.incr("secret", 2), cache.get("secret"))
print(PooledClient(("127.0.0.1", {memcached})).get_many(["secret", "absent"]))
"""
    assert run(probe, code) == "True 3 b'3'\n{'secret': b'3'}"
    assert names(probe) == ["memcached set", "memcached incr", "memcached get", "memcached get"]
    assert {span.function for span in spans(probe.folder, "cache")} == {"<module>"}


def test_djangos_caches_are_recorded_once(probe: Probe, valkey: int, memcached: int) -> None:
    code = f"""
from django.conf import settings
backends = "django.core.cache.backends"
settings.configure(CACHES={{
    "default": {{"BACKEND": f"{{backends}}.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:{valkey}"}},
    "files": {{"BACKEND": f"{{backends}}.filebased.FileBasedCache", "LOCATION": "cached"}},
    "memcached": {{"BACKEND": f"{{backends}}.memcached.PyMemcacheCache",
                  "LOCATION": "127.0.0.1:{memcached}"}},
    "memory": {{"BACKEND": f"{{backends}}.locmem.LocMemCache"}},
}})
from django.core.cache import caches
for name in settings.CACHES:
    caches[name].set("key", [1])
    print(caches[name].get_or_set("key", list), end=" ")
"""
    assert run(probe, code) == "[1] [1] [1] [1]"
    found = [name for name in names(probe) if not name.startswith("LocMemCache")]
    assert found == [
        "RedisCache.set",
        "RedisCache.get",
        "FileBasedCache.set",
        "FileBasedCache.get",
        "BaseMemcachedCache.set",
        "BaseMemcachedCache.get",
    ]


def test_flask_caching_is_recorded_through_its_decorators(probe: Probe, valkey: int) -> None:
    code = f"""
from flask import Flask
from flask_caching import Cache
app = Flask(__name__)
cache = Cache(app, config={{"CACHE_TYPE": "RedisCache", "CACHE_REDIS_PORT": {valkey}}})
@cache.memoize()
def square(number):
    return number * number
with app.app_context():
    square(3)
    print(square(3))
"""
    assert run(probe, code) == "9"
    assert {"redis GET", "redis SET"} <= set(names(probe))
    assert {span.line.split(":")[1] for span in spans(probe.folder, "cache")} == {"15", "16"}


def test_what_is_computed_for_a_cache_is_not_the_caches(probe: Probe) -> None:
    code = """
import time
from django.conf import settings
settings.configure()
from django.core.cache import cache
def compute():
    time.sleep(0)
    return 3
print(cache.get_or_set("key", compute))
"""
    assert run(probe, code) == "3"
    (sleep,) = spans(probe.folder, "sleep")
    assert (sleep.parent, sleep.function) == (0, "compute")
