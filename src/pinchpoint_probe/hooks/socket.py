"""socket: refuse connections off loopback while the guard is on.

Covers what opens sockets in Python, asyncio's own loop included. libpq and uvloop do not; their
hooks ask the guard themselves.
"""

from pinchpoint_probe import guard, patching, quiet, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    def observed_connect(self: "Any", address: "Any", /) -> None:
        if state.is_guarded():
            refusal = guard.refusal(address)
            if refusal is not None:
                raise refusal
        connect(self, address)

    def observed_connect_ex(self: "Any", address: "Any", /) -> int:
        if state.is_guarded():
            refusal = guard.refusal(address)
            if refusal is not None:
                return int(refusal.errno or 0)
        result: int = connect_ex(self, address)
        return result

    def observed_getaddrinfo(  # noqa: PLR0913, PLR0917  # theirs
        host: "Any",
        port: "Any",
        family: int = 0,
        type: int = 0,  # noqa: A002  # the names are the interface
        proto: int = 0,
        flags: int = 0,
    ) -> "Any":
        if state.is_guarded():
            host = _stand_in(host, family)
        found = getaddrinfo(host, port, family, type, proto, flags)
        if state.allowed_hosts and isinstance(host, str):
            guard.note_addresses(host, (address[4][0] for address in found))
        return found

    connect = patching.replace(module.socket, "connect", observed_connect)
    connect_ex = patching.replace(module.socket, "connect_ex", observed_connect_ex)
    getaddrinfo = patching.replace(module, "getaddrinfo", observed_getaddrinfo)


def _stand_in(host: "Any", family: int) -> "Any":
    try:
        name = host.decode() if isinstance(host, bytes) else host
        return guard.stand_in(name, family) or host if isinstance(name, str) else host
    except Exception as error:
        quiet.note("socket", error)
        return host


PATCHES = {"socket": _patch}
