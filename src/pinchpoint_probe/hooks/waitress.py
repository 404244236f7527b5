"""waitress: the application as each of its servers has it."""

from pinchpoint_probe import entry, patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(server: "ModuleType") -> None:
    def init(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        original(self, *args, **kwargs)
        self.application = entry.wrap_wsgi(self.application)

    original = patching.replace(server.BaseWSGIServer, "__init__", init)


PATCHES = {"waitress.server": _patch}
