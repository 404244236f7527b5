"""httpx: a request of its network transports, to the headers of the answer.

Not its transports that call an application directly: they are how tests speak to it.
"""

from pinchpoint_probe import outbound, patching, quiet, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    def observed(self: "Any", request: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return original(self, request)
        start_ns = spans.now_ns()
        try:
            response = original(self, request)
        except BaseException:
            name = _name(request)
            outbound.record(frame, name, start_ns, flags=wire.FAILED, is_blocking=True)
            raise
        outbound.record(frame, _name(request), start_ns, is_blocking=True)
        return response

    async def observed_async(self: "Any", request: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await original_async(self, request)
        start_ns = spans.now_ns()
        try:
            response = await original_async(self, request)
        except BaseException:
            outbound.record(frame, _name(request), start_ns, flags=wire.FAILED)
            raise
        outbound.record(frame, _name(request), start_ns)
        return response

    original = patching.replace(module.HTTPTransport, "handle_request", observed)
    asynchronous = module.AsyncHTTPTransport
    original_async = patching.replace(asynchronous, "handle_async_request", observed_async)


def _name(request: "Any") -> str:
    try:
        url = request.url
        return outbound.name_of(request.method, url.scheme, url.netloc, url.path)
    except Exception as error:
        quiet.note("httpx", error)
        return "http"


PATCHES = {"httpx": _patch}
