"""CPU time of process trees, and on Linux the time that their threads waited for a CPU.

CPU time comes from the process's own account, which keeps what ended threads used; the
waiting from /proc/PID/task/*/schedstat, which tells a contaminated measurement.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

IS_LINUX = sys.platform == "linux"


def usage(pids: Iterable[int]) -> tuple[float, float]:
    """CPU time and run-queue waiting of some processes and all their descendants, in seconds.

    Processes that are gone count with what their parents inherited from them; the waiting
    is that of the threads that live.
    """
    cpu_s = wait_s = 0.0
    for process in _trees(pids):
        try:
            cpu_s += sum(process.cpu_times()[:4])
            wait_s += _wait_s(process.pid)
        except (psutil.Error, OSError):
            continue
    return cpu_s, wait_s


def resident_bytes(pids: Iterable[int]) -> int:
    """Memory of some processes and all their descendants; what they share counts for each."""
    total = 0
    for process in _trees(pids):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def named(names: Iterable[str]) -> tuple[int, ...]:
    """The first processes of the programs with these names: those without a parent of the name."""
    wanted = set(names)
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            parent = process.parent()
            if process.info["name"] in wanted and not (parent and parent.name() in wanted):
                found.append(process.pid)
        except psutil.Error:
            continue
    return tuple(found)


def alive(pids: Iterable[int]) -> tuple[int, ...]:
    """Those of some processes that still run."""
    return tuple(pid for pid in pids if psutil.pid_exists(pid))


def machine_busy_s() -> float:
    """CPU time of the whole machine that was not idle, in seconds."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return float(sum(times) - idle - getattr(times, "guest", 0.0))


def _trees(pids: Iterable[int]) -> Iterable[psutil.Process]:
    seen: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            root = psutil.Process(pid)
            seen |= {process.pid: process for process in (root, *root.children(recursive=True))}
        except psutil.Error:
            continue
    return seen.values()


def _wait_s(pid: int) -> float:
    if not IS_LINUX:
        return 0.0
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9
