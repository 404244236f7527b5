"""mysqlclient: statements and connects; read-only sessions, as far as `mysql` says.

It connects in C, past the hook of `socket`, so that a host off loopback is refused here; not one
that only an option file names.
"""

# a hook file has the name of the library
from pinchpoint_probe import guard, mysql, patching, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_CANNOT_CONNECT = 2003  # CR_CONN_HOST_ERROR


def _patch_connections(module: "ModuleType") -> None:
    mysql.patch_connection(module.Connection, "__init__", _name)

    def observed_init(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        host = str(args[0] if args else kwargs.get("host") or "")
        if state.is_guarded() and not guard.is_allowed(host):
            raise module.OperationalError(_CANNOT_CONNECT, str(guard.refuse(host)))
        original(self, *args, **kwargs)

    original = patching.replace(module.Connection, "__init__", observed_init)


def _patch_cursors(module: "ModuleType") -> None:
    mysql.patch_cursor(module.BaseCursor)


def _name(_: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    return args[3] if len(args) > 3 else kwargs.get("database") or kwargs.get("db")


PATCHES = {"MySQLdb.connections": _patch_connections, "MySQLdb.cursors": _patch_cursors}
