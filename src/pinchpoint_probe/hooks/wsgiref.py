"""The standard library's WSGI server, which Django's `runserver` is made of."""

from pinchpoint_probe import entry, patching, surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(simple_server: "ModuleType") -> None:
    def set_app(self: "Any", application: "Any") -> None:
        original(self, entry.wrap_wsgi(application))
        surroundings.development_server = "wsgiref"

    original = patching.replace(simple_server.WSGIServer, "set_app", set_app)


PATCHES = {"wsgiref.simple_server": _patch}
