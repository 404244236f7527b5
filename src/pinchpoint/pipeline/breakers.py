"""What stops a run before it does harm: see `observe.watch`."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import psutil

from pinchpoint.observe.collectors import procfs
from pinchpoint.observe.watch import Supplies, Watch

if TYPE_CHECKING:
    from pathlib import Path

    from pinchpoint.model.target import Engine
    from pinchpoint.pipeline.run import Run
    from pinchpoint.pipeline.stand import Stand
    from pinchpoint.settings import Settings

END_S = 3.0
"""To wait for the last answers and to write the report."""
PROOF_S = 40.0
"""Two applications to start and to warm up, and a dozen pairs: in less nothing is proven."""
NULL_S = 15.0
"""A dozen blocks of a second and what is between them."""


def arm(run: Run, stand: Stand, engine: Engine, settings: Settings) -> None:
    """From now on, stop the engine where memory, disk or the time of the run runs out."""
    folders = (run.folder, stand.probe.folder)

    def read() -> Supplies:
        return Supplies(
            app_bytes=procfs.resident_bytes([stand.child.pid]),
            memory_bytes=psutil.virtual_memory().available,
            disk_bytes=min(map(_free_bytes, folders)),
            time_s=left_s(run, settings) - END_S,
        )

    stand.observer.watch(Watch(read, engine.stop))


def left_s(run: Run, settings: Settings) -> float:
    """What --budget leaves; infinite without one."""
    if not settings.budget_s:
        return math.inf
    return run.started_s + settings.budget_s - time.monotonic()


def has_time(run: Run, settings: Settings, needed_s: float, part: str) -> bool:
    """Whether a part of the run still fits; if not, the report says that it was left out."""
    if left_s(run, settings) >= needed_s:
        return True
    run.warnings.append(f"left out, as --budget leaves no time for it: {part}")
    return False


def _free_bytes(folder: Path) -> int:
    return psutil.disk_usage(str(folder)).free
