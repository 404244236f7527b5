"""aiohttp's client: a request with its redirects, to the headers of the answer."""

from pinchpoint_probe import outbound, patching, quiet, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    async def observed(
        self: "Any", method: "Any", str_or_url: "Any", *args: "Any", **kwargs: "Any"
    ) -> "Any":
        frame = spans.active()
        if frame is None:
            return await original(self, method, str_or_url, *args, **kwargs)
        start_ns = spans.now_ns()
        try:
            response = await original(self, method, str_or_url, *args, **kwargs)
        except BaseException:
            outbound.record(frame, _name(method, str_or_url), start_ns, flags=wire.FAILED)
            raise
        outbound.record(frame, _name(method, str_or_url), start_ns)
        return response

    original = patching.replace(module.ClientSession, "_request", observed)


def _name(method: "Any", url: "Any") -> str:
    try:
        scheme, _, rest = str(url).partition("://")
        authority, slash, path = rest.partition("/")
        return outbound.name_of(method, scheme, authority, slash + path)
    except Exception as error:
        quiet.note("aiohttp", error)
        return "http"


PATCHES = {"aiohttp.client": _patch}
