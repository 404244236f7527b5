"""granian: the application as its workers hand it to the server's core, which is in Rust."""

from pinchpoint_probe import entry, patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch_asgi(asgi: "ModuleType") -> None:
    def wrapper(callback: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        return original(entry.wrap_asgi(callback), *args, **kwargs)

    original = patching.replace(asgi, "_callback_wrapper", wrapper)


def _patch_wsgi(wsgi: "ModuleType") -> None:
    def wrapper(callback: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        return original(entry.wrap_wsgi(callback), *args, **kwargs)

    original = patching.replace(wsgi, "_callback_wrapper", wrapper)


PATCHES = {"granian.asgi": _patch_asgi, "granian.wsgi": _patch_wsgi}
