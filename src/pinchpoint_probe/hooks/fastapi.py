"""FastAPI: endpoints, the validation and serialization of what they return, middleware."""

from pinchpoint_probe import middlewares, patching, spans, tasks, wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(routing: "ModuleType") -> None:
    wrapping.around_awaited(routing, "serialize_response", wire.SERIALIZE)
    _time_endpoints(routing)
    if "handle" in vars(routing.APIRoute):
        _name_included_routes(routing)


def _time_endpoints(routing: "ModuleType") -> None:
    async def run_endpoint_function(
        *, dependant: "Any", values: "Any", is_coroutine: bool
    ) -> "Any":
        frame = spans.active()
        arguments = {"dependant": dependant, "values": values, "is_coroutine": is_coroutine}
        if frame is None or not is_coroutine:  # hooks/anyio.py times it in its thread
            return await original(**arguments)
        span = wrapping.enter_app(frame, dependant.call)
        return await wrapping.run_awaited(span, original, **arguments)

    def run_sync_endpoint(*, function: "Any", arguments: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return original_sync(function=function, arguments=arguments)
        span = wrapping.enter_app(frame, function)
        return wrapping.run(span, original_sync, function=function, arguments=arguments)

    original = patching.replace(routing, "run_endpoint_function", run_endpoint_function)
    # Before 0.140 or so, the endpoint itself is what the thread is given.
    if hasattr(routing, "_run_sync_endpoint"):
        original_sync = patching.replace(routing, "_run_sync_endpoint", run_sync_endpoint)


def _name_included_routes(routing: "ModuleType") -> None:
    """Routes of an included router know only their own part of the path."""

    async def handle(self: "Any", scope: "Any", receive: "Any", send: "Any") -> None:
        frame = spans.active()
        if frame is not None and scope["method"] in self.methods:
            context = scope.get("fastapi", {}).get("effective_route_context")
            is_included = context is not None and context.original_route is self
            path = context.path_format if is_included else self.path_format
            frame.request.endpoint = f"{scope['method']} {frame.request.mounted_at}{path}"
            tasks.forget_start()
        await original(self, scope, receive, send)

    original = patching.replace(routing.APIRoute, "handle", handle)


def _patch_applications(applications: "ModuleType") -> None:
    def build_middleware_stack(self: "Any") -> "Any":
        return middlewares.timed_stack(build(self), self.router)

    name = "build_middleware_stack"
    if name in vars(applications.FastAPI):  # else it is Starlette's
        build = patching.replace(applications.FastAPI, name, build_middleware_stack)


PATCHES = {"fastapi.routing": _patch, "fastapi.applications": _patch_applications}
