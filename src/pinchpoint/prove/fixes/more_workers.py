"""Start more worker processes.

Answers: SV001, requests that wait for a worker while the machine has CPU time left.
Applied: the application is started with twice the workers.
Free-form: `workers=4`.
Costs you: the memory of each worker, and its connections to the database.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinchpoint.model.app import Deployment
    from pinchpoint.model.finding import Finding

ANSWERS = ("SV001",)
OPTION = "workers=NUMBER"


def candidates(finding: Finding) -> Iterator[tuple[str, dict[str, str]]]:
    """Twice as many workers as the finding saw."""
    workers = finding.parameters.get("workers", "")
    if workers.isdecimal():
        yield _change(int(workers) * 2)


def relieves(finding: Finding, parameters: Mapping[str, str]) -> dict[str, float]:
    """Each worker has slots, an interpreter lock, an event loop and pools of its own."""
    factor = int(parameters["workers"]) / int(finding.parameters["workers"])
    return dict.fromkeys(("workers", "python", "loop", "pool"), factor)


def read(value: str) -> tuple[str, dict[str, str]]:
    """Read a number of workers.

    Raises:
        ValueError: It is not a number above 0.
    """
    if not value.isdecimal() or int(value) < 1:
        raise ValueError("expected a number of workers, such as 4")
    return _change(int(value))


def redeploy(deployment: Deployment, parameters: Mapping[str, str]) -> Deployment:
    """The deployment of the changed arm."""
    return dataclasses.replace(deployment, workers=int(parameters["workers"]))


def _change(workers: int) -> tuple[str, dict[str, str]]:
    processes = "process" if workers == 1 else "processes"
    return f"Start {workers} worker {processes}", {"workers": str(workers)}
