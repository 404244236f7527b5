"""Show where a run is: one line a stage, redrawn on a terminal, printed once elsewhere."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from pinchpoint.model.finding import Finding

logger = logging.getLogger(__name__)

NAME_WIDTH = 8
TEXT_WIDTH = 84


class ConsoleProgress:
    """Progress on a rich console; use as a context so that the spinner always ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_s = time.monotonic()
        self._name = ""
        self._status: Status | None = None

    def stage(self, name: str, text: str) -> None:
        """A stage has come so far."""
        if name != self._name:
            logger.info("stage %s", name)
        self._name = name
        if not self._console.is_terminal:
            return
        line = f"[dim]{name:<{NAME_WIDTH}}[/] {_short(text)}"
        if self._status is None:
            self._status = self._console.status(line)
            self._status.start()
        self._status.update(line)

    def done(self, text: str) -> None:
        """The stage has ended, with this result."""
        self.close()
        elapsed_s = int(time.monotonic() - self._started_s)
        clock = f"{elapsed_s // 60}:{elapsed_s % 60:02}"
        self._print(f"  {self._name:<{NAME_WIDTH}} {_short(text):<{TEXT_WIDTH}} {clock}")

    def finding(self, finding: Finding) -> None:
        """Something was found before the verdict."""
        place = finding.location
        where = f"  {place.file.rpartition('/')[2]}:{place.line}" if place else ""
        self.close()
        text = f"{finding.code} {finding.title}"
        if finding.endpoint not in finding.title:
            text += f", {finding.endpoint}"
        self._print(f"  {'':<{NAME_WIDTH}} > {_short(text + where)}")

    def close(self) -> None:
        """Remove the spinner."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_WIDTH else line[: TEXT_WIDTH - 1] + "…"
