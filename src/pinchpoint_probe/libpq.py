"""Parameters of PostgreSQL connections: what psycopg and psycopg2 have in common."""

import os

from pinchpoint_probe import databases, guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_VARIABLES = (
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
)
READ_ONLY = "SET default_transaction_read_only = on"
"""For a session outside of a transaction: a later rollback does not undo it."""
READ_ONLY_NOW = "SET TRANSACTION READ ONLY"
"""For a transaction that is open already."""
READ_ONLY_PARAMETER = "default_transaction_read_only"
"""Servers from 14 on report its value with every change, so that asking costs nothing."""


def database(
    driver: str, given: "Mapping[str, Any]", open_again: "Callable[[Mapping[str, Any]], Any]"
) -> databases.Database:
    """Describe where a connection will go, with a clone's name in place of the database's.

    Args:
        driver: Name of the driver's module.
        given: libpq's parameters as the application gives them.
        open_again: Opens a connection from such parameters.
    """
    parameters = {name: value for name, value in given.items() if value is not None}
    for name, variable in _VARIABLES:
        if name not in parameters and variable in os.environ:
            parameters[name] = os.environ[variable]
    name = str(parameters.get("dbname") or parameters.get("user", ""))
    clone = databases.clone_of(name)
    if clone:
        parameters["dbname"] = clone
    return databases.Database("postgresql", driver, name, parameters, open_again)


def refused_host(parameters: "Mapping[str, Any]") -> str:
    """The first host that may not be reached while the guard is on; empty if all may."""
    hosts = str(parameters.get("hostaddr") or parameters.get("host") or "").split(",")
    return next((host for host in hosts if not guard.is_allowed(host)), "")
