"""Start the load engine for a test, and end it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pinchpoint.load.engines.openloop import OpenLoop

if TYPE_CHECKING:
    from collections.abc import Generator

    from pinchpoint.model.workload import Workload


@contextmanager
def engine_for(
    url: str, workload: Workload, *, prefix: tuple[str, ...] = (), **options: Any
) -> Generator[tuple[OpenLoop, list[subprocess.Popen[bytes]]]]:
    """An engine and its processes.

    Args:
        url: Of the server.
        workload: The mix.
        prefix: Of the processes' command line, such as a shell that limits them.
        options: Of the engine.
    """
    processes: list[subprocess.Popen[bytes]] = []
    engine = OpenLoop(
        start=lambda command: processes.append(subprocess.Popen([*prefix, *command])),
        workload=workload,
        base_url=url,
        **options,
    )
    try:
        yield engine, processes
    finally:
        engine.close()
        for process in processes:
            process.wait(timeout=30)
