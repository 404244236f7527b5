"""Locks: who waits for one of the application's, and who had it; libraries' locks are real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import reading
from reading import spans
from running import interpreters

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from running import Probe

BEGIN = """
import asyncio, threading, time
from pinchpoint_probe import patching, postimport, spans
def request(number):
    spans.current.set(spans.begin(number, 0))
"""


def run(probe: Probe, code: str, **options: str) -> str:
    end = "\nassert not postimport.failures, postimport.failures\n"
    return probe.run(f"{BEGIN}{code}{end}", **options)


def holds(probe: Probe) -> list[reading.Record]:
    return [record for record in reading.read_records(probe.folder) if record.kind == wire.HOLD]


TWO_THREADS = """
is_taken = threading.Event()
def holder():
    request(1)
    with lock:
        is_taken.set()
        time.sleep(0.05)
def waiter():
    request(2)
    is_taken.wait()
    with lock:
        pass
threads = [threading.Thread(target=function) for function in (holder, waiter)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("python", interpreters())
@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_who_waits_and_who_has_it_are_recorded(probe: Probe, kind: str, python: str) -> None:
    run(probe, f"lock = threading.{kind}()\n{TWO_THREADS}", python=python)
    (wait,), (hold,) = spans(probe.folder, "lock"), holds(probe)
    assert (wait.name, wait.trace, wait.function) == ("lock of main.py:6", 2, "waiter")
    assert (hold.name, hold.trace, hold.function) == ("lock of main.py:6", 1, "holder")
    assert hold.start_ns < wait.start_ns < hold.end_ns


def test_waiting_for_a_semaphore_is_recorded(probe: Probe) -> None:
    run(probe, f"lock = threading.BoundedSemaphore(1)\n{TWO_THREADS}")
    (wait,) = spans(probe.folder, "lock")
    assert (wait.name, wait.function) == ("semaphore of main.py:6", "waiter")


def test_a_lock_that_is_free_leaves_no_record(probe: Probe) -> None:
    code = """
request(1)
lock = threading.RLock()
with lock, lock:
    pass
print(lock.acquire(blocking=False), lock.acquire(timeout=1))
"""
    assert run(probe, code) == "True True"
    assert reading.read_records(probe.folder) == []


def test_tasks_wait_for_each_other(probe: Probe) -> None:
    code = """
async def use(number, lock):
    request(number)
    async with lock:
        await asyncio.sleep(0.01)
async def main():
    for lock in (asyncio.Lock(), asyncio.BoundedSemaphore(1)):
        await asyncio.gather(use(1, lock), use(2, lock))
asyncio.run(main())
"""
    run(probe, code)
    names = [(wait.name, wait.trace) for wait in spans(probe.folder, "lock")]
    assert names == [("lock of main.py:12", 2), ("semaphore of main.py:12", 2)]
    assert [(hold.name, hold.trace) for hold in holds(probe)] == [("lock of main.py:12", 1)]


def test_locks_behave_as_the_real_ones(probe: Probe) -> None:
    code = """
import dataclasses, queue, weakref
@dataclasses.dataclass
class Shelf:
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
for lock in (threading.Lock(), threading.RLock(), Shelf().lock):
    request(1)
    print(attempt(lock.release), lock.acquire(), attempt(lock.acquire, False, 3))
    print(lock.release(), weakref.ref(lock)() is lock, repr(lock).split()[0])
lock = threading.Lock()
print(lock.acquire(), lock.acquire(False), lock.acquire(timeout=0.001), lock.locked())
condition = threading.Condition(threading.RLock())
with condition:
    print(condition.wait(0.001))
with queue.Queue().mutex, threading.Condition():
    pass
"""
    bare = probe.run(
        BEGIN.replace("from pinchpoint_probe", "# ").replace(
            "spans.current.set(spans.begin(number, 0))", "pass"
        )
        + code,
        is_injected=False,
    )
    assert run(probe, code) == bare


def test_libraries_get_real_locks(probe: Probe) -> None:
    code = """
import queue
real = type(queue.Queue().mutex)
own = threading.Lock()
print(real.__module__, type(own) is real, isinstance(own, threading.Lock))
print(isinstance(queue.Queue().mutex, threading.Lock), threading.Lock | None is not None)
patching.restore()
print(type(threading.Lock()) is real)
"""
    assert run(probe, code).split() == ["_thread", "False", "True", "True", "True", "True"]
