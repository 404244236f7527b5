"""Which databases this process has opened, under which names, and how to open each again."""

import os

from pinchpoint_probe import plans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_MOST_STATEMENTS = 512
"""Statements whose parameters are kept; more distinct texts than that carry literals."""

_clones: "dict[str, str]" = {}
_opened: "dict[tuple[str, ...], Database]" = {}
_statements: "dict[str, tuple[Database, Any]]" = {}
"""Text of a statement -> where it ran, and its last parameters."""


class Database:
    """One way in which the application connects.

    Attributes:
        system: `postgresql` or `sqlite`.
        driver: Name of the driver's module.
        name: The database's name or path as the application asked for it.
        parameters: What the driver was given in the end: with the clone's name if there is one.
        open: Opens another connection with the same parameters, unseen by the hooks.
    """

    __slots__ = ("driver", "name", "open", "parameters", "system")

    def __init__(
        self,
        system: str,
        driver: str,
        name: str,
        parameters: "Mapping[str, Any]",
        open: "Callable[[Mapping[str, Any]], Any]",  # noqa: A002  # what it does
    ) -> None:
        self.system = system
        self.driver = driver
        self.name = name
        self.parameters = parameters
        self.open = open


def clone_of(name: str) -> str:
    """The clone that is to be opened instead of a database; empty if there is none."""
    text = os.environ.get(wire.DATABASES_VARIABLE)
    if text and not _clones:
        import json

        _clones.update(json.loads(text))
    return _clones.get(name, "")


def remember(database: Database) -> Database:
    """Keep a database that has just been opened; returns the first one that is like it."""
    key = (
        database.system,
        database.driver,
        database.name,
        *(f"{name}={value}" for name, value in sorted(database.parameters.items())),
    )
    return _opened.setdefault(key, database)


def remember_statement(text: str, database: Database, parameters: "Any") -> None:
    """Keep the last parameters of a statement. They do not leave the process."""
    if text in _statements or len(_statements) < _MOST_STATEMENTS:
        _statements[text] = (database, parameters)


def connections() -> "dict[str, Any]":
    """How the application connects, passwords included: for the tool's memory only."""
    return {
        "connections": [
            {
                "system": database.system,
                "driver": database.driver,
                "database": database.name,
                "parameters": {
                    name: value
                    for name, value in database.parameters.items()
                    if isinstance(value, str | int | float | bool)
                },
            }
            for database in list(_opened.values())
        ]
    }


def databases() -> "dict[str, Any]":
    """What each database says it is, keyed by the name for which the application asked.

    A database that cannot be asked is left out.
    """
    names = {}
    for database in list(_opened.values()):
        answer = _attempt(database, plans.name)
        if answer is not None:
            names[database.name] = answer
    return {"databases": names}


def activity() -> "dict[str, Any]":
    """The time in which each database has executed statements, in seconds, by its name.

    A database that keeps no account is left out.
    """
    times = {one.name: _attempt(one, plans.active_s) for one in list(_opened.values())}
    return {"active_s": {name: time for name, time in times.items() if time is not None}}


def explain(
    statements: "list[str] | None" = None, digests: "list[str] | None" = None
) -> "dict[str, Any]":
    """How the databases execute statements, with the parameters that they last had.

    Args:
        statements: Texts as recorded; None for all that are remembered.
        digests: Instead of texts; those of which this process remembers none are left out.

    Returns:
        `plans`, one per statement, as `plans.explain` describes it.
    """
    chosen = list(_statements) if statements is None else statements
    if digests is not None:
        chosen = [text for text in chosen if wire.digest(text) in digests]
    return {"plans": [_explain(text) for text in chosen]}


def sample(table: str, column: str, limit: int = 100) -> "dict[str, Any]":
    """Some values of a column, from the first database that has it.

    Returns:
        `values`, and `error` if no database answered.
    """
    error = "no database is known"
    for database in list(_opened.values()):
        values = _attempt(database, plans.sample, table, column, limit)
        if values is not None:
            return {"values": values, "error": ""}
        error = f"no database has {table}.{column}"
    return {"values": [], "error": error}


def _explain(text: str) -> "dict[str, Any]":
    database, parameters = _statements.get(text, (None, None))
    plan: dict[str, Any] = {
        "statement": text,
        "system": "",
        "plan": None,
        "tables": {},
        "error": "",
    }
    if database is None:
        return {**plan, "error": "its parameters are not known"}
    try:
        return {**plan, "system": database.system, **plans.explain(database, text, parameters)}
    except Exception as error:  # its message may quote parameters, which do not leave
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
        reason = f"{type(error).__name__} {code}".strip()
        return {**plan, "system": database.system, "error": reason}


def _attempt(database: Database, ask: "Callable[..., Any]", *args: "Any") -> "Any":
    try:
        return ask(database, *args)
    except Exception:  # it is not there, or it has no such table: the caller says so
        return None
