from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pinchpoint.observe.watch import Supplies, Watch, shortage

GIB = 1 << 30
START = Supplies(app_bytes=GIB, memory_bytes=9 * GIB, disk_bytes=100 * GIB, time_s=60.0)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (replace(START, app_bytes=9 * GIB, memory_bytes=GIB), "uses 9216 MiB of memory, 1024 MiB"),
        (replace(START, disk_bytes=GIB // 2), "512 MiB are left on the disk"),
        (replace(START, time_s=0.0), "--budget"),
    ],
)
def test_what_runs_out_is_named(now: Supplies, words: str) -> None:
    assert words in shortage(START, now)


@pytest.mark.parametrize(
    "now",
    [
        START,
        replace(START, app_bytes=7 * GIB, memory_bytes=3 * GIB),
        replace(START, memory_bytes=GIB),  # somebody else's memory
        replace(START, disk_bytes=2 * GIB),
    ],
)
def test_enough_is_enough(now: Supplies) -> None:
    assert not shortage(START, now)


def test_a_small_disk_is_measured_by_what_was_free_at_the_start() -> None:
    small = replace(START, disk_bytes=GIB // 2)
    assert not shortage(small, replace(small, disk_bytes=GIB // 3))
    assert shortage(small, replace(small, disk_bytes=GIB // 5))


def test_stops_the_load_once_and_says_why() -> None:
    stopped = threading.Event()
    readings = iter([START, START, replace(START, time_s=-1.0)])
    watch = Watch(lambda: next(readings), stopped.set, every_s=0.001)
    with watch.watching():
        assert stopped.wait(10)
    assert "--budget" in watch.shortage


def test_leaves_a_load_alone_that_has_enough() -> None:
    watch = Watch(lambda: START, lambda: pytest.fail("stopped"), every_s=0.001)
    looked = threading.Event()
    watch._read = lambda: looked.set() or START  # type: ignore[func-returns-value]
    with watch.watching():
        assert looked.wait(10)
    assert not watch.shortage
