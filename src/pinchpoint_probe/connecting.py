"""Refuse connections off loopback while the guard is on: for sockets that are Python objects."""

from pinchpoint_probe import guard, patching, quiet, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def patch(kind: "Any", module: "ModuleType") -> None:
    """Guard the connecting of a class of sockets, and its module's look-up of names."""

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

    connect = patching.replace(kind, "connect", observed_connect)
    connect_ex = patching.replace(kind, "connect_ex", observed_connect_ex)
    getaddrinfo = patching.replace(module, "getaddrinfo", observed_getaddrinfo)


def _stand_in(host: "Any", family: int) -> "Any":
    try:
        name = host.decode() if isinstance(host, bytes) else host
        return guard.stand_in(name, family) or host if isinstance(name, str) else host
    except Exception as error:
        quiet.note("socket", error)
        return host
