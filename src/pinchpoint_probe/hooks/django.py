"""Django: the endpoint's name, middleware, its view, caches, JSON responses and templates."""

from pinchpoint_probe import (
    caches,
    entry,
    guard,
    middlewares,
    patching,
    quiet,
    spans,
    state,
    templates,
    wire,
    wrapping,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch_handler(base: "ModuleType") -> None:
    def resolve_request(self: "Any", request: "Any") -> "Any":
        match = resolve(self, request)
        frame = spans.active()
        if frame is not None and match.route is not None:
            _name_endpoint(frame, request.method, match.route)
        return match

    def make_view_atomic(self: "Any", view: "Any") -> "Any":
        callback = make_atomic(self, view)
        frame = spans.active()
        if frame is None:
            return callback
        return _timed(callback, view, is_async=is_async(callback))

    def convert_exception_to_response(get_response: "Any") -> "Any":
        handler = convert(get_response)
        try:
            return middlewares.timed(handler, get_response, is_async=is_async(handler))
        except Exception as error:
            quiet.note("django", error)
            return handler

    is_async = base.iscoroutinefunction
    convert = patching.replace(base, "convert_exception_to_response", convert_exception_to_response)
    resolve = patching.replace(base.BaseHandler, "resolve_request", resolve_request)
    make_atomic = patching.replace(base.BaseHandler, "make_view_atomic", make_view_atomic)


def _name_endpoint(frame: spans.Frame, method: str, route: str) -> None:
    try:
        frame.request.endpoint = f"{method} {templates.from_django(route)}"
    except Exception as error:
        quiet.note("django", error)


def _timed(callback: "Any", view: "Any", *, is_async: bool) -> "Any":
    """Put a span around one call of a view, in the thread or task where it runs."""

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return callback(*args, **kwargs)
        span = wrapping.enter_app(frame, _function_of(view, args[0].method))
        return wrapping.run(span, callback, *args, **kwargs)

    async def call_awaited(*args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        if frame is None:
            return await callback(*args, **kwargs)
        span = wrapping.enter_app(frame, _function_of(view, args[0].method))
        return await wrapping.run_awaited(span, callback, *args, **kwargs)

    return call_awaited if is_async else call


def _function_of(view: "Any", method: str) -> "Any":
    """The method of a class-based view; Django REST framework calls the class `cls`."""
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if owner is None:
        return view
    name = (getattr(view, "actions", None) or {}).get(method.lower(), method.lower())
    return getattr(owner, name, view)


def _patch_wsgi(wsgi: "ModuleType") -> None:
    entry.wrap_class(wsgi.WSGIHandler)


def _patch_response(response: "ModuleType") -> None:
    wrapping.around(response.JsonResponse, "__init__", wire.SERIALIZE)


def _patch_template(base: "ModuleType") -> None:
    wrapping.around(base.Template, "render", wire.TEMPLATE, _name)


def _name(template: "Any", *_: "Any", **__: "Any") -> str:
    return str(template.name or "")


def _patch_hosts(request: "ModuleType") -> None:
    """The tool asks by address, which ALLOWED_HOSTS of a production seldom has."""

    def validate_host(host: str, allowed_hosts: "Any") -> bool:
        is_ours = state.is_guarded() and guard.is_local(host)
        return is_ours or validate(host, allowed_hosts)

    validate = patching.replace(request, "validate_host", validate_host)


PATCHES = {
    "django.core.handlers.base": _patch_handler,
    "django.core.handlers.wsgi": _patch_wsgi,
    "django.http.request": _patch_hosts,
    "django.http.response": _patch_response,
    "django.template.base": _patch_template,
    "django.core.cache.backends.filebased": caches.patch,
    "django.core.cache.backends.locmem": caches.patch_memory,
    "django.core.cache.backends.memcached": caches.patch,
    "django.core.cache.backends.redis": caches.patch,
}
