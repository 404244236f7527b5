"""Werkzeug's development server, which `flask run` and `app.run()` start."""

from pinchpoint_probe import entry, patching, surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(serving: "ModuleType") -> None:
    def init(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        original(self, *args, **kwargs)
        self.app = entry.wrap_wsgi(self.app)
        surroundings.development_server = "Werkzeug"

    original = patching.replace(serving.BaseWSGIServer, "__init__", init)


PATCHES = {"werkzeug.serving": _patch}
