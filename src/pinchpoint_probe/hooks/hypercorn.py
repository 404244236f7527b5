"""hypercorn: the application as it has wrapped it, for either interface."""

from pinchpoint_probe import entry, patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(wrappers: "ModuleType") -> None:
    def asgi_init(self: "Any", app: "Any") -> None:
        init_asgi(self, entry.wrap_asgi(app))

    def wsgi_init(self: "Any", app: "Any", *args: "Any") -> None:
        init_wsgi(self, entry.wrap_wsgi(app), *args)

    init_asgi = patching.replace(wrappers.ASGIWrapper, "__init__", asgi_init)
    init_wsgi = patching.replace(wrappers.WSGIWrapper, "__init__", wsgi_init)


PATCHES = {"hypercorn.app_wrappers": _patch}
