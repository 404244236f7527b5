"""Flask: the endpoint's name, its view function, and JSON responses of any provider."""

import sys

from pinchpoint_probe import entry, patching, quiet, spans, templates, wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch_app(app: "ModuleType") -> None:
    def full_dispatch_request(self: "Any", *args: "Any") -> "Any":
        frame = spans.active()
        if frame is not None:
            _name_endpoint(frame, sys.modules["flask.globals"].request)
        return dispatch_all(self, *args)

    def dispatch_request(self: "Any", *args: "Any") -> "Any":
        frame = spans.active()
        rule = sys.modules["flask.globals"].request.url_rule if frame else None
        if frame is None or rule is None:
            return dispatch(self, *args)
        span = wrapping.enter_app(frame, self.view_functions[rule.endpoint])
        return wrapping.run(span, dispatch, self, *args)

    entry.wrap_class(app.Flask)
    dispatch_all = patching.replace(app.Flask, "full_dispatch_request", full_dispatch_request)
    dispatch = patching.replace(app.Flask, "dispatch_request", dispatch_request)


def _name_endpoint(frame: spans.Frame, request: "Any") -> None:
    try:
        if request.url_rule is not None:
            path = templates.from_angles(request.url_rule.rule)
            frame.request.endpoint = f"{request.method} {path}"
    except Exception as error:
        quiet.note("flask", error)


def _patch_provider(provider: "ModuleType") -> None:
    wrapping.around(provider.JSONProvider, "response", wire.SERIALIZE)
    wrapping.around(provider.DefaultJSONProvider, "response", wire.SERIALIZE)


PATCHES = {"flask.app": _patch_app, "flask.json.provider": _patch_provider}
