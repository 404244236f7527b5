"""What the user wants: flags, PINCHPOINT_* and [tool.pinchpoint], each value with its origin."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pinchpoint.errors import UsageError
from pinchpoint.model.objective import Objective


class Effort(StrEnum):
    """How much time the run may take."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run's settings.

    Attributes:
        app: `module:attribute`, a file, a folder, `manage.py`; empty to search.
        directory: Where `.pinchpoint/` is written, and the application is unless said otherwise.
        app_directory: Where the application is; None for `directory`.
        python: The application's interpreter; empty to search.
        server: Empty for the usual one of the application's interface.
        workers: 0 for the server's default.
        threads: Of each worker; 0 as above.
        port: 0 for a free one.
        start_timeout_s: How long the application may take to import, and to accept.
        effort: How long to measure.
        slo: What the application has to keep; None for nothing.
        rate_rps: Held instead of looking for the capacity; 0 to look for it.
        budget_s: The whole run ends within it; 0 for no limit.
        is_proving: Whether the best fix is tried.
        only: Patterns of routes that get load.
        skip: Patterns of routes that get none.
        paths: What is loaded from outside; empty to look for links and an OpenAPI description.
        traffic_files: Descriptions of real traffic: access logs, HAR, OpenAPI.
        traffic: The table [tool.pinchpoint.traffic], unread.
        headers: (name, value) sent with each request; values are secrets and never written.
        allow_hosts: Hosts off loopback that the application may reach.
        seed: Of mix, arrivals and the order of blocks.
        environment: Additional variables of the application's process.
        origins: By field: `flag`, `environment`, `pyproject.toml` or `default`.
    """

    app: str = ""
    directory: Path = field(default_factory=Path.cwd)
    app_directory: Path | None = None
    python: str = ""
    server: str = ""
    workers: int = 0
    threads: int = 0
    port: int = 0
    start_timeout_s: float = 60.0
    effort: Effort = Effort.NORMAL
    slo: Objective | None = None
    rate_rps: float = 0.0
    budget_s: float = 0.0
    is_proving: bool = True
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    traffic_files: tuple[Path, ...] = ()
    traffic: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    allow_hosts: tuple[str, ...] = ()
    seed: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def read_table(directory: Path) -> Mapping[str, Any]:
    """`[tool.pinchpoint]` of the nearest pyproject.toml at or above a folder; empty if none.

    Raises:
        UsageError: The file is not valid TOML.
    """
    for folder in (directory, *directory.parents):
        file = folder / "pyproject.toml"
        if file.exists():
            table: Mapping[str, Any] = _parse(file).get("tool", {}).get("pinchpoint", {})
            return table
    return {}


def check_names(table: Mapping[str, Any], known: Mapping[str, object]) -> None:
    """Refuse a setting that does not exist: a typo must not be ignored in silence.

    Raises:
        UsageError: The message lists the known ones.
    """
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise UsageError(
            f"[tool.pinchpoint] has no setting '{unknown[0]}'",
            f"Known: {', '.join(sorted(known))}.",
        )


def _parse(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
