"""Starlette: the endpoint's name, asynchronous endpoints, middleware, JSON.

Endpoints that run in threads are recorded by `anyio`.
"""

from pinchpoint_probe import middlewares, patching, spans, tasks, wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch_routing(routing: "ModuleType") -> None:
    async def handle(self: "Any", scope: "Any", receive: "Any", send: "Any") -> None:
        frame = spans.active()
        if frame is not None and (not self.methods or scope["method"] in self.methods):
            path = frame.request.mounted_at + self.path_format
            frame.request.endpoint = f"{scope['method']} {path}"
            tasks.forget_start()
        await handle_route(self, scope, receive, send)

    async def handle_mount(self: "Any", scope: "Any", receive: "Any", send: "Any") -> None:
        frame = spans.active()
        if frame is not None:
            frame.request.mounted_at += self.path_format.removesuffix("/{path}")
        await handle_mounted(self, scope, receive, send)

    def request_response(func: "Any") -> "Any":
        return respond(_timed(func) if is_async(func) else func)

    is_async = routing.is_async_callable
    handle_route = patching.replace(routing.Route, "handle", handle)
    handle_mounted = patching.replace(routing.Mount, "handle", handle_mount)
    respond = patching.replace(routing, "request_response", request_response)


def _timed(function: "Any") -> "Any":
    async def call(request: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await function(request)
        span = wrapping.enter_app(frame, function)
        return await wrapping.run_awaited(span, function, request)

    return call


def _patch_endpoints(endpoints: "ModuleType") -> None:
    async def dispatch(self: "Any") -> None:
        frame = spans.active()
        method = getattr(self, self.scope["method"].lower(), None)
        if frame is None or method is None or not is_async(method):
            await original(self)
            return
        await wrapping.run_awaited(wrapping.enter_app(frame, method), original, self)

    is_async = endpoints.is_async_callable
    original = patching.replace(endpoints.HTTPEndpoint, "dispatch", dispatch)


def _patch_applications(applications: "ModuleType") -> None:
    def build_middleware_stack(self: "Any") -> "Any":
        return middlewares.timed_stack(build(self), self.router)

    name = "build_middleware_stack"
    build = patching.replace(applications.Starlette, name, build_middleware_stack)


def _patch_responses(responses: "ModuleType") -> None:
    # Not render: FastAPI's subclasses for orjson and ujson have their own.
    wrapping.around(responses.JSONResponse, "__init__", wire.SERIALIZE)


PATCHES = {
    "starlette.routing": _patch_routing,
    "starlette.endpoints": _patch_endpoints,
    "starlette.applications": _patch_applications,
    "starlette.responses": _patch_responses,
}
