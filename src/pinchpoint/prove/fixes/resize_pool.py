"""Give the connection pool more connections.

Answers: PL001, requests that wait for a connection; PL002, requests that wait for one
    because others hold theirs while they do something else.
Applied: inside the application's processes, every SQLAlchemy pool that has a limit (of
    engines and asynchronous engines) and every psycopg pool is made with this size.
Free-form: `pool_size=30`.
Costs you: connections of the database server. For PL002 it treats the symptom: the cure is
    to give the connection back before the other work begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinchpoint.model.finding import Finding

ANSWERS = ("PL001", "PL002")
OPTION = "pool_size=NUMBER"
GROWTH = {"PL001": 2, "PL002": 4}
"""Held connections wait for other work, so it takes more of them until nobody waits."""
MOST_CONNECTIONS = 80
"""Of all workers together: PostgreSQL's default is 100, and others need some."""
DEFAULT_SIZE, DEFAULT_OVERFLOW = 5, 10
"""SQLAlchemy's."""


def candidates(finding: Finding) -> Iterator[tuple[str, dict[str, str]]]:
    """One larger pool, without overflow: overflowing connections are closed after each use."""
    present = _present(finding)
    most = MOST_CONNECTIONS // max(1, int(finding.parameters.get("workers", 1)))
    size = min(present * GROWTH[finding.code], most)
    if size > present:
        yield _change(size)


def relieves(finding: Finding, parameters: Mapping[str, str]) -> dict[str, float]:
    """So many times as many connections."""
    return {"pool": int(parameters["pool_size"]) / _present(finding)}


def read(value: str) -> tuple[str, dict[str, str]]:
    """Read a number of connections of each process.

    Raises:
        ValueError: It is not a number above 0.
    """
    if not value.isdecimal() or int(value) < 1:
        raise ValueError("expected a number of connections, such as 30")
    return _change(int(value))


def patch(parameters: Mapping[str, str]) -> None:
    """Resize the pools of this process, before the application makes them.

    Raises:
        ImportError: The application has neither SQLAlchemy nor psycopg_pool.
    """
    size = int(parameters["pool_size"])
    missing: list[ImportError] = []
    for resize in (_resize_sqlalchemy, _resize_psycopg):
        try:
            resize(size)
        except ImportError as error:
            missing.append(error)
    if len(missing) == 2:
        raise missing[0]


def _present(finding: Finding) -> int:
    known = finding.parameters
    size = int(known.get("pool_size", DEFAULT_SIZE))
    return size + int(known.get("max_overflow", DEFAULT_OVERFLOW))


def _change(size: int) -> tuple[str, dict[str, str]]:
    advice = f"Give the pool of each process {size} connections (pool_size={size}, max_overflow=0)"
    return advice, {"pool_size": str(size)}


def _resize_sqlalchemy(size: int) -> None:
    from sqlalchemy.pool import QueuePool

    # create_engine reads the names of the parameters to learn what it may pass on.
    def resized(  # noqa: PLR0913, PLR0917  # as many as the original's
        self: Any,
        creator: Any,
        pool_size: int = DEFAULT_SIZE,  # noqa: ARG001  # replaced
        max_overflow: int = DEFAULT_OVERFLOW,  # noqa: ARG001  # replaced
        timeout: float = 30.0,
        use_lifo: bool = False,  # noqa: FBT001, FBT002  # as the original's
        **kwargs: Any,
    ) -> None:
        make(self, creator, size, 0, timeout, use_lifo, **kwargs)

    make = _replace_init(QueuePool, resized)


def _resize_psycopg(size: int) -> None:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

    def resize(pool: Any) -> None:
        def resized(self: Any, *args: Any, **kwargs: Any) -> None:
            smallest = min(kwargs.get("min_size", size), size)
            make(self, *args, **{**kwargs, "min_size": smallest, "max_size": size})

        make = _replace_init(pool, resized)

    resize(ConnectionPool)
    resize(AsyncConnectionPool)


def _replace_init(pool: Any, new: Any) -> Any:
    from pinchpoint_probe.patching import replace

    return replace(pool, "__init__", new)
