"""Keep the application from reaching outside of this machine while it is being measured.

The guard is on from the first request of the walk (`state.is_guarded`). Drivers' hooks make
database sessions read-only; this file decides which hosts may be reached and refuses the rest.
A name that may not be reached is not looked up either: it resolves to an address that is
reserved for documentation, so that the refusal comes from `connect`, in the request's context.
"""

import errno
from _socket import AF_INET, AF_INET6, inet_pton

from pinchpoint_probe import quiet, spans, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_LOCAL_NAMES = ("", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_MAPPED = b"\0" * 10 + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address inside IPv6
_UNSPECIFIED_OR_LOOPBACK = (inet_pton(AF_INET6, "::"), inet_pton(AF_INET6, "::1"))

_allowed_addresses: "set[str]" = set()
_names: "dict[str, str]" = {}  # address for documentation -> the name that it stands for


class RefusedError(ConnectionRefusedError):
    """The probe refused a connection; to the application it looks like a closed port."""


def is_local(host: str) -> bool:
    """Whether a name or address is this machine: loopback, a path of a Unix socket, or none."""
    host = host.strip("[]").partition("%")[0].rstrip(".").lower()
    if host in _LOCAL_NAMES or host[0] in "/@" or host.endswith(".localhost"):
        return True
    packed = _packed(host)
    if packed[:12] == _MAPPED:
        packed = packed[12:]
    if len(packed) == 4:
        return packed[0] == 127 or packed == b"\0\0\0\0"
    return packed in _UNSPECIFIED_OR_LOOPBACK


def is_allowed(host: str) -> bool:
    """Whether a name or address may be reached while the guard is on."""
    return is_local(host) or host.lower() in state.allowed_hosts or host in _allowed_addresses


def note_addresses(host: str, addresses: "Iterable[str]") -> None:
    """Remember what an allowed name resolved to, so that the addresses may be reached."""
    if host.lower() in state.allowed_hosts:
        _allowed_addresses.update(addresses)


def stand_in(host: str, family: int) -> str:
    """An address of RFC 5737 or RFC 3849 for a name that is not to be looked up; "" for none.

    Args:
        host: A name or an address.
        family: AF_INET6 asks for an address of that family.
    """
    if is_allowed(host) or _packed(host):
        return ""
    for address, name in _names.items():
        if name == host and (":" in address) == (family == AF_INET6):
            return address
    number = len(_names) % 254 + 1
    address = f"2001:db8::{number:x}" if family == AF_INET6 else f"192.0.2.{number}"
    _names[address] = host
    return address


def refusal(address: "Any") -> "RefusedError | None":
    """The error with which to answer a connect; records it. None if it may go ahead.

    Args:
        address: As `socket.connect` takes it; all but (host, port, ...) is local.
    """
    if not isinstance(address, tuple) or not isinstance(address[0], str | bytes):
        return None
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if is_allowed(host):
        return None
    return refuse(_names.get(host, host))


def refuse(host: str) -> RefusedError:
    """Record that a connection is refused, and make the error that says so."""
    try:
        _record(host)
    except Exception as error:
        quiet.note("guard", error)
    return RefusedError(errno.ECONNREFUSED, message(host))


def message(host: str) -> str:
    """What the application reads in place of a connection."""
    return (
        f"pinchpoint refused the connection to {host}: while it measures, the application "
        "reaches nothing off loopback; to allow this host, add it to the setting allow_hosts"
    )


def _record(host: str) -> None:
    frame = spans.active()
    if frame is not None:
        frame.request.refusals += 1
        spans.leaf(frame, wire.OUTBOUND, host, spans.now_ns(), flags=wire.REFUSED)


def _packed(host: str) -> bytes:
    for family in (AF_INET, AF_INET6):
        try:
            return inet_pton(family, host)
        except (OSError, ValueError):  # noqa: PERF203  # two families
            continue
    return b""
