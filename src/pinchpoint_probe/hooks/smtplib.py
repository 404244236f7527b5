"""smtplib: time mail, and while the guard is on take it as a server would, without sending."""

from pinchpoint_probe import outbound, patching, spans, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_REPLIES = {"QUIT": 221, "DATA": 354}
"""RFC 5321, 4.2.3, to each command; to all others 250."""


def _patch(module: "ModuleType") -> None:
    _patch_dialogue(module.SMTP)
    _patch_connect(module.SMTP)
    _patch_connect(module.LMTP)

    def observed_sendmail(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if state.is_guarded():
            self._pinchpoint_is_captured = True
        frame = spans.active()
        if frame is None:
            return sendmail(self, *args, **kwargs)
        start_ns = spans.now_ns()
        flags = wire.REFUSED if _is_captured(self) else 0
        try:
            refused = sendmail(self, *args, **kwargs)
        except BaseException:
            outbound.record(frame, "smtp", start_ns, flags=flags | wire.FAILED, is_blocking=True)
            raise
        outbound.record(frame, "smtp", start_ns, flags=flags, is_blocking=True)
        return refused

    sendmail = patching.replace(module.SMTP, "sendmail", observed_sendmail)


def _patch_connect(cls: "Any") -> None:
    def observed_connect(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if state.is_guarded():
            self._pinchpoint_is_captured = True
            return (220, b"captured by pinchpoint")
        frame = spans.active()
        start_ns = spans.now_ns()
        reply = connect(self, *args, **kwargs)
        if frame is not None:
            outbound.record(frame, "smtp", start_ns, is_blocking=True)
        return reply

    connect = patching.replace(cls, "connect", observed_connect)


def _patch_dialogue(cls: "Any") -> None:
    """Answer each command as a server that takes everything."""

    def observed_putcmd(self: "Any", cmd: str, args: str = "") -> None:
        if _is_captured(self):
            self._pinchpoint_reply = _REPLIES.get(cmd.strip().upper(), 250)
        else:
            putcmd(self, cmd, args)

    def observed_send(self: "Any", s: "Any") -> None:
        if _is_captured(self):
            self._pinchpoint_reply = 250
        else:
            send(self, s)

    def observed_getreply(self: "Any") -> "tuple[int, bytes]":
        if _is_captured(self):
            return (getattr(self, "_pinchpoint_reply", 250), b"captured by pinchpoint")
        reply: tuple[int, bytes] = getreply(self)
        return reply

    putcmd = patching.replace(cls, "putcmd", observed_putcmd)
    send = patching.replace(cls, "send", observed_send)
    getreply = patching.replace(cls, "getreply", observed_getreply)
    _skip_when_captured(cls, "starttls", 220)
    _skip_when_captured(cls, "login", 235)


def _skip_when_captured(cls: "Any", name: str, code: int) -> None:
    def call(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if _is_captured(self):
            return (code, b"captured by pinchpoint")
        return original(self, *args, **kwargs)

    original = patching.replace(cls, name, call)


def _is_captured(connection: "Any") -> bool:
    return getattr(connection, "_pinchpoint_is_captured", False)


PATCHES = {"smtplib": _patch}
