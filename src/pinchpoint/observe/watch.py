"""Stop a load before it does harm: memory, disk and time that run out."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LOOK_EVERY_S = 1.0
MOST_MEMORY_RATIO = 0.8
"""Of the memory that the application had or could have had at the start."""
LEAST_DISK_BYTES = 1 << 30
LEAST_DISK_RATIO = 0.5
"""Of what was free at the start, where that was little already."""
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What there is at one moment.

    Attributes:
        app_bytes: Memory that the application's processes use (resident).
        memory_bytes: Memory that is available to all.
        disk_bytes: Free where the run and its databases are written.
        time_s: Until the run has to end.
    """

    app_bytes: int
    memory_bytes: int
    disk_bytes: int
    time_s: float


def shortage(first: Supplies, now: Supplies) -> str:
    """What has run out since the start, as a sentence; empty if there is enough of all."""
    if now.time_s <= 0:
        return "the time that --budget gives is over"
    if now.app_bytes > MOST_MEMORY_RATIO * (first.app_bytes + first.memory_bytes):
        return (
            f"the application uses {now.app_bytes // _MIB} MiB of memory, {first.app_bytes // _MIB}"
            f" MiB before the load, and {now.memory_bytes // _MIB} MiB are left"
        )
    if now.disk_bytes < min(LEAST_DISK_BYTES, LEAST_DISK_RATIO * first.disk_bytes):
        return (
            f"{now.disk_bytes // _MIB} MiB are left on the disk,"
            f" {first.disk_bytes // _MIB} MiB before the load"
        )
    return ""


class Watch:
    """Looks at the supplies while load is offered.

    Attributes:
        shortage: Why the load was stopped; empty if it was not.

    Args:
        read: Gives the supplies of the moment.
        stop: Ends the load; called from another thread, at most once in each watch.
        every_s: How often to look.
    """

    def __init__(
        self,
        read: Callable[[], Supplies],
        stop: Callable[[], None],
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self.shortage = ""
        self._read = read
        self._stop = stop
        self._every_s = every_s
        self._first = read()

    @contextmanager
    def watching(self) -> Generator[None]:
        """Look as long as the context lasts."""
        ended = threading.Event()
        thread = threading.Thread(target=self._look, args=(ended,), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _look(self, ended: threading.Event) -> None:
        while not ended.wait(self._every_s):
            self.shortage = shortage(self._first, self._read())
            if self.shortage:
                self._stop()
                return
