"""What the tool can ask a process of the application, and who may ask."""

import os
import sys

from pinchpoint_probe import postimport, state, surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LOOPBACK = ("127.", "::1", "::ffff:127.")


def answer(header: str, client: str, app: "Any", interface: str) -> "bytes | None":
    """Answer one command.

    Args:
        header: `<token> <command> <URL-quoted JSON arguments>`.
        client: Address of the peer; empty on a Unix socket.
        app: The application as the server has it.
        interface: How the server calls it: `wsgi` or `asgi`.

    Returns:
        A JSON object with `pid`, `interface` and, if the command failed, `error`; None if the
        token is not ours or the client is not on this machine: the application answers then.
    """
    import hmac
    import json
    from urllib.parse import unquote

    token, _, rest = header.partition(" ")
    is_ours = hmac.compare_digest(token.encode(), state.token.encode())
    if not state.token or not is_ours or (client and not client.startswith(_LOOPBACK)):
        return None
    name, _, arguments = rest.partition(" ")
    result: dict[str, Any] = {"pid": os.getpid(), "interface": interface}
    try:
        result.update(COMMANDS[name](app, **json.loads(unquote(arguments) or "{}")))
        return json.dumps(result, default=str).encode()
    except Exception as error:
        result = {"pid": os.getpid(), "error": f"{name}: {error!r}"}
        return json.dumps(result).encode()


def _state(app: "Any") -> "dict[str, Any]":
    libraries = sorted({name.partition(".")[0] for name in postimport.hooked})
    return {
        "python": sys.version.partition(" ")[0],
        "hooked": {library: _version(library) for library in libraries},
        "failures": postimport.failures,
        "development_server": surroundings.development_server,
        "instruments": surroundings.instruments(),
        **_debug(app),
    }


def _version(library: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return postimport.version(library)


def _routes(app: "Any") -> "dict[str, Any]":
    from pinchpoint_probe import routes

    return routes.read(app)


def _debug(app: "Any") -> "dict[str, Any]":
    from pinchpoint_probe import routes

    return {"is_debug": routes.is_debug(app)}


def _database(command: str) -> "Callable[..., dict[str, Any]]":
    def run(_app: "Any", **arguments: "Any") -> "dict[str, Any]":
        from pinchpoint_probe import databases

        return getattr(databases, command)(**arguments)  # type: ignore[no-any-return]

    return run


COMMANDS: "dict[str, Callable[..., dict[str, Any]]]" = {
    "state": _state,
    "debug": _debug,
    "routes": _routes,
    "explain": _database("explain"),
    "sample": _database("sample"),
    "connections": _database("connections"),
    "databases": _database("databases"),
    "activity": _database("activity"),
}
