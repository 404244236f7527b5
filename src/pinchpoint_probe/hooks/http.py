"""http.client, and so urllib, urllib3 and requests: from the request to its answer's headers."""

from pinchpoint_probe import outbound, patching, quiet, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    cls = module.HTTPConnection

    def observed_putrequest(
        self: "Any", method: "Any", url: "Any", *args: "Any", **kwargs: "Any"
    ) -> None:
        if spans.active() is not None:
            self._pinchpoint_call = (_name(self, method, url), spans.now_ns())
        putrequest(self, method, url, *args, **kwargs)

    def observed_endheaders(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        try:
            endheaders(self, *args, **kwargs)
        except BaseException:  # it could not connect or send: no answer will be asked for
            _record(self, wire.FAILED)
            raise

    def observed_getresponse(self: "Any") -> "Any":
        try:
            response = getresponse(self)
        except BaseException:
            _record(self, wire.FAILED)
            raise
        _record(self, 0)
        return response

    putrequest = patching.replace(cls, "putrequest", observed_putrequest)
    endheaders = patching.replace(cls, "endheaders", observed_endheaders)
    getresponse = patching.replace(cls, "getresponse", observed_getresponse)


def _name(connection: "Any", method: "Any", url: "Any") -> str:
    try:
        scheme = "https" if connection.default_port == 443 else "http"
        is_usual = connection.port in {None, connection.default_port}
        authority = connection.host if is_usual else f"{connection.host}:{connection.port}"
        return outbound.name_of(method, scheme, authority, url)
    except Exception as error:
        quiet.note("http.client", error)
        return "http"


def _record(connection: "Any", flags: int) -> None:
    call = getattr(connection, "_pinchpoint_call", None)
    frame = spans.active()
    if call is not None and frame is not None:
        connection._pinchpoint_call = None  # noqa: SLF001
        outbound.record(frame, call[0], call[1], flags=flags, is_blocking=True)


PATCHES = {"http.client": _patch}
