"""gunicorn: the application as any of its workers gets it."""

from pinchpoint_probe import entry, patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_COROUTINE = 0x80  # inspect.CO_COROUTINE


def _patch(base: "ModuleType") -> None:
    def wsgi(self: "Any") -> "Any":
        app = original(self)
        if "uvicorn" in self.cfg.worker_class_str.lower():
            return app  # uvicorn's own hook wraps it
        return entry.wrap_asgi(app) if _is_coroutine_function(app) else entry.wrap_wsgi(app)

    original = patching.replace(base.BaseApplication, "wsgi", wsgi)


def _is_coroutine_function(app: "Any") -> bool:
    code = getattr(app, "__code__", None) or getattr(type(app).__call__, "__code__", None)
    return code is not None and bool(code.co_flags & _COROUTINE)


PATCHES = {"gunicorn.app.base": _patch}
