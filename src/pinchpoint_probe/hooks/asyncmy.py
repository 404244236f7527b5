"""asyncmy: connects; read-only sessions, as far as `mysql` says.

Its cursors are C types, which cannot be changed, so that statements are not recorded: what its
connections are given has the values in its text already. A session that was open before the guard
stays as it is while it runs nothing but statements that asyncmy has prepared (`stmt_cache_size`).
"""

from pinchpoint_probe import mysql

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    mysql.patch_async_connection(module.Connection, "connect", _name)


def _name(connection: "Any", *_: "Any", **__: "Any") -> "Any":
    return connection._db  # noqa: SLF001


PATCHES = {"asyncmy.connection": _patch}
