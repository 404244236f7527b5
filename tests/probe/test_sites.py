"""The line of the user's code that caused an operation, and where its functions are defined."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import reading

from pinchpoint_probe import sites, state
from pinchpoint_probe.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running import Probe


class Texts(Sink):
    """Keeps texts, so that an id can be read back at once."""

    def read(self, number: int) -> str:
        return next((text for text, known in self._ids.items() if known == number), "")


@pytest.fixture
def texts(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> Texts:
    sink = Texts(str(recorded))
    monkeypatch.setattr(state, "sink", sink)
    return sink


def operate() -> int:
    """What a hook does: its caller is the user."""
    return sites.site(2)


def here() -> int:
    return sys._getframe(1).f_lineno


def test_names_the_line_that_called(texts: Texts) -> None:
    line, found = here(), operate()
    assert texts.read(found) == f"{__file__}:{line}:test_names_the_line_that_called"


def test_looks_through_the_code_of_libraries(texts: Texts) -> None:
    # hook -> json's scanner and decoder -> this function
    line, found = here(), json.loads("{}", object_hook=hook)
    assert texts.read(found) == f"{__file__}:{line}:test_looks_through_the_code_of_libraries"


def hook(_: Any) -> int:
    return sites.site(2)


def test_finds_the_innermost_of_awaiting_functions(texts: Texts) -> None:
    async def inner() -> int:
        await asyncio.sleep(0)
        return operate()

    async def outer() -> int:
        return await inner()

    found = texts.read(asyncio.run(outer()))
    assert found.endswith("inner")


def test_finds_the_function_that_runs_in_a_thread(texts: Texts) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(operate_in_thread).result()
    assert texts.read(found).endswith(":operate_in_thread")


def operate_in_thread() -> int:
    return operate()


def test_continues_outside_of_a_greenlet(texts: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    # A thread's stack ends where a greenlet's does; its parent's frame is this one.
    parent = SimpleNamespace(gr_frame=sys._getframe())
    greenlet = SimpleNamespace(getcurrent=lambda: SimpleNamespace(parent=parent))
    monkeypatch.setitem(sys.modules, "greenlet", greenlet)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(sites.site, 0).result()
    assert texts.read(found).endswith(":test_continues_outside_of_a_greenlet")


def test_two_calls_of_one_line_are_told_apart_by_their_callers(texts: Texts) -> None:
    def helper() -> int:
        return operate()

    found = {helper() for _ in range(200)}
    assert len(found) == 1
    (only,) = found
    assert texts.read(only).endswith("helper")


def test_no_line_of_the_users_is_no_line(texts: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "user_code", ("/absent",))
    monkeypatch.setattr(sites, "_is_user_code", {})
    monkeypatch.setattr(sites, "_hints", {})
    assert texts.read(operate()) == ""
    monkeypatch.setattr(sites, "_is_user_code", {})


@pytest.mark.parametrize(
    ("file", "is_user"),
    [
        ("/srv/app/views.py", True),
        ("/srv/app/.venv/lib/python3.12/site-packages/django/db.py", False),
        ("/srv/app/.venv/lib/python3.12/site-packages/shop/views.py", True),
        ("/usr/lib/python3/dist-packages/shop.py", True),
        ("/srv/application/views.py", False),
        ("/srv/app/<string>", False),
        ("/lib/python3.12/site-packages/demo/shop/views.py", True),
        ("/lib/python3.12/site-packages/demo/views.py", False),
        (json.__file__, False),
        (sites.__file__, False),
    ],
)
def test_knows_the_users_files(
    monkeypatch: pytest.MonkeyPatch, file: str, *, is_user: bool
) -> None:
    monkeypatch.setattr(
        state, "user_code", ("/srv/app", "shop", "/lib/python3.12/site-packages/demo/shop")
    )
    assert sites._belongs_to_user(file) is is_user


def test_the_standard_library_is_not_the_users_although_it_lies_in_their_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "user_code", (sys.base_prefix,))
    assert not sites._belongs_to_user(json.__file__)


def view() -> None:
    """A function to be found."""


@contextmanager
def dependency() -> Iterator[None]:
    yield


class Callable:
    """An object that can be called."""

    def __call__(self) -> None: ...

    def method(self) -> None: ...


def wrapped() -> Any:
    @functools.wraps(view)
    def inner() -> None: ...

    return inner


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (view, "view"),
        (wrapped(), "view"),
        (functools.partial(functools.partial(view)), "view"),
        (Callable(), "Callable.__call__"),
        (Callable().method, "Callable.method"),
        (dependency().__enter__, "dependency"),
        (len, ""),
        (int, ""),
    ],
)
def test_finds_the_definition_behind_wrappers(texts: Texts, function: Any, name: str) -> None:
    found = texts.read(sites.definition(function)).rpartition(":")[2]
    assert found == (name if sys.version_info >= (3, 11) else name.rpartition(".")[2])


def test_a_definition_is_its_first_line(texts: Texts) -> None:
    found = texts.read(sites.definition(view))
    assert found == f"{__file__}:{view.__code__.co_firstlineno}:view"


def test_a_forked_child_names_its_sites_anew(probe: Probe) -> None:
    code = """
    import os
    from pinchpoint_probe import sites, state
    def operate(): return sites.site(1)
    first = operate()
    child = os.fork()
    if child == 0:
        state.sink.text("another")
    if operate() != (1 if child else 2):
        os._exit(1)
    if child and os.waitpid(child, 0)[1]:
        raise SystemExit(1)
    """
    probe.run(code)


def test_each_way_through_a_library_has_its_own_depth(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[int] = []
    name = sites._name
    monkeypatch.setattr(sites, "_name", lambda frame: walks.append(1) or name(frame))
    monkeypatch.setattr(sites, "_calls", 0)
    for _ in range(20):
        shallow, deep = operate(), json.loads("{}", object_hook=hook)
    assert [texts.read(one).rpartition(":")[2] for one in (shallow, deep)] == [
        "test_each_way_through_a_library_has_its_own_depth"
    ] * 2
    assert len(walks) == 2


def test_a_task_of_a_librarys_coroutine_has_the_line_that_started_it(probe: Probe) -> None:
    code = """
    import asyncio
    import aiosqlite
    from pinchpoint_probe import spans
    async def main():
        spans.current.set(spans.begin(7, 0))
        async with aiosqlite.connect(":memory:") as db:
            await asyncio.gather(db.execute("SELECT 1"), db.execute("SELECT 2"))
    asyncio.run(main())
    """
    probe.run(code)
    selects = [span for span in reading.spans(probe.folder, "sql") if "SELECT" in span.name]
    assert [span.line for span in selects] == ["main.py:8:main"] * 2


def test_a_library_that_is_called_from_deeper_down_is_looked_through_again(
    texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of the user's code there is nothing to find; the same line may be called inside."""
    monkeypatch.setattr(sites, "_is_user_code", {})
    monkeypatch.setattr(sites, "_hints", {})
    monkeypatch.setattr(state, "user_code", ("/srv/app",))
    library: dict[str, Any] = {"hook": lambda: sites.site(1)}
    exec(compile("def call():\n    return hook()\n", "/usr/lib/library.py", "exec"), library)  # noqa: S102
    user: dict[str, Any] = {"call": library["call"]}
    exec(compile("def view():\n    return call()\n", "/srv/app/views.py", "exec"), user)  # noqa: S102
    for _ in range(3):
        assert texts.read(library["call"]()) == ""
        assert texts.read(user["view"]()) == "/srv/app/views.py:2:view"
