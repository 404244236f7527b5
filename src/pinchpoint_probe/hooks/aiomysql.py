"""aiomysql: statements and connects; read-only sessions, as far as `mysql` says."""

from pinchpoint_probe import mysql

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    mysql.patch_async_connection(module.connection.Connection, "_connect", _name)
    mysql.patch_async_cursor(module.cursors.Cursor)


def _name(connection: "Any", *_: "Any", **__: "Any") -> "Any":
    return connection.db


PATCHES = {"aiomysql": _patch}
