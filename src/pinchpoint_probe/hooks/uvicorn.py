"""uvicorn: the application as it has loaded it, whatever its interface and middleware."""

from pinchpoint_probe import entry, patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(config: "ModuleType") -> None:
    def load(self: "Any") -> None:
        original(self)
        self.loaded_app = entry.wrap_asgi(self.loaded_app)

    original = patching.replace(config.Config, "load", load)


PATCHES = {"uvicorn.config": _patch}
