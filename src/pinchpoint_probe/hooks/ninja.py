"""Django Ninja: the operation's function, and what becomes of its result."""

from pinchpoint_probe import patching, spans, wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    def init(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        original(self, *args, **kwargs)
        is_async = isinstance(self, module.AsyncOperation)
        if not getattr(self, "stream_format", None):  # a generator runs after it was called
            timed = _timed_awaited if is_async else _timed
            patching.replace(self, "view_func", timed(self.view_func))

    original = patching.replace(module.Operation, "__init__", init)
    wrapping.around(module.Operation, "_result_to_response", wire.SERIALIZE)


def _timed(function: "Any") -> "Any":
    def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return function(*args, **kwargs)
        return wrapping.run(wrapping.enter_app(frame, function), function, *args, **kwargs)

    return call


def _timed_awaited(function: "Any") -> "Any":
    async def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await function(*args, **kwargs)
        span = wrapping.enter_app(frame, function)
        return await wrapping.run_awaited(span, function, *args, **kwargs)

    return call


PATCHES = {"ninja.operation": _patch}
