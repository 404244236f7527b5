"""What all parts of the load benchmark share: the other tools that it needs, and its length."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rows import NotRunError

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where Debian keeps nginx; not on everybody's PATH."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Paths of the programs that stand beside ours; None asks the system.

    Attributes:
        nginx: The server.
        wrk: The yardstick.
        locust: A Python interpreter that has Locust.
    """

    nginx: Path | None
    wrk: Path | None
    locust: Path | None

    def find_nginx(self) -> str:
        """The program to start.

        Raises:
            NotRunError: It is not there.
        """
        return _find("nginx", self.nginx, "apt install nginx-light")

    def find_wrk(self) -> str:
        """The program to start.

        Raises:
            NotRunError: It is not there.
        """
        return _find("wrk", self.wrk, "apt install wrk")

    def find_locust(self) -> str:
        """An interpreter that has Locust.

        Raises:
            NotRunError: There is none.
        """
        if self.locust is not None:
            return str(self.locust)
        if importlib.util.find_spec("locust") is None:
            raise NotRunError("locust missing (pip install locust, or --locust PYTHON)")
        return sys.executable


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured.

    Attributes:
        pairs: Of efficiency.
        block_s: One arm of a pair.
        truth_s: One run against a server of known truth.
        connections: Bounds under which truth is sought.
        windows: Of lateness, of a tenth of a second.
        sustained_s: At the highest rate.
        memory_s: At 1,000 connections.
    """

    pairs: int
    block_s: float
    truth_s: float
    connections: Sequence[int]
    windows: int
    sustained_s: float
    memory_s: float


FULL = Effort(
    pairs=10,
    block_s=2,
    truth_s=20,
    connections=(1, 10, 100, 1000),
    windows=100,
    sustained_s=10,
    memory_s=600,
)
QUICK = Effort(
    pairs=3,
    block_s=1,
    truth_s=10,
    connections=(1, 1000),
    windows=30,
    sustained_s=3,
    memory_s=30,
)


def _find(name: str, given: Path | None, hint: str) -> str:
    folders = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
    found = str(given) if given else shutil.which(name, path=folders)
    if found is None:
        raise NotRunError(f"{name} missing ({hint})")
    return found
