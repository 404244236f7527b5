"""For all tests: nothing may be left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test ends the processes that its body starts; fixtures end theirs later."""
    is_watched = {"e2e", "probe"} & set(item.path.parts)
    before = _children() if is_watched else set()
    yield
    started = _children() - before if is_watched else set()
    # What is about to end by itself, such as a backend of a database, may do so.
    _, left = psutil.wait_procs(started, timeout=10)
    if left:
        pytest.fail(f"left running: {left}")


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))
