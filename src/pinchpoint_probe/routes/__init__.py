"""The application's route table, read from its framework when the tool asks for it."""

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_FRAMEWORKS = (
    ("flask", "flask.app", "Flask"),
    ("fastapi", "fastapi.applications", "FastAPI"),
    ("starlette", "starlette.applications", "Starlette"),
    ("starlette", "starlette.routing", "Router"),
    ("django", "django.core.handlers.base", "BaseHandler"),
)
_FARTHEST = 200_000
"""Objects to look at; behind any middleware, the application is among the nearest few hundred."""


def read(app: "Any") -> "dict[str, Any]":
    """Read the route table of what the server calls, behind any middleware.

    Returns:
        `framework`, and `routes` as the tool's `model.Route` has them.
    """
    framework, found = _find(app)
    if framework == "flask":
        from pinchpoint_probe.routes import flask

        return {"framework": framework, "routes": flask.read(found)}
    if framework == "django":
        from pinchpoint_probe.routes import django

        return {"framework": framework, "routes": django.read()}
    if framework != "unknown":
        from pinchpoint_probe.routes import starlette

        return {"framework": framework, "routes": starlette.read(found.routes)}
    return {"framework": framework, "routes": []}


def is_debug(app: "Any") -> bool:
    """Whether the application says that it runs in its framework's debug mode."""
    framework, found = _find(app)
    if framework == "django":
        found = sys.modules["django.conf"].settings
        return bool(found.DEBUG)
    return bool(getattr(found, "debug", False))


def _find(app: "Any") -> "tuple[str, Any]":
    known = [
        (framework, getattr(sys.modules[module], name))
        for framework, module, name in _FRAMEWORKS
        if module in sys.modules
    ]
    for candidate in _reachable(app):
        for framework, kind in known:
            if isinstance(candidate, kind):
                return framework, candidate
    return "unknown", None


def _reachable(app: "Any") -> "Iterator[Any]":
    """Objects that an object refers to, the nearest first."""
    queue = [app]
    seen = {id(app)}
    for candidate in queue:
        yield candidate
        if len(queue) > _FARTHEST:
            continue
        for referent in gc.get_referents(candidate):
            if id(referent) not in seen and not isinstance(referent, (str, int, type)):
                seen.add(id(referent))
                queue.append(referent)


def parameter(
    name: str,
    kind: str,
    *,
    location: str = "path",
    is_required: bool = True,
    example: "Any" = "",
) -> "dict[str, Any]":
    """A parameter as the tool's `model.Parameter` has it."""
    return {
        "name": name,
        "kind": kind,
        "location": location,
        "is_required": is_required,
        "example": str(example),
    }


def handler_name(function: "Any") -> str:
    """`module.function` of a view, or of its class."""
    function = getattr(function, "view_class", None) or getattr(function, "cls", function)
    if not hasattr(function, "__qualname__"):
        function = getattr(function, "func", type(function))
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"


def decorators(function: "Any") -> "Iterator[Any]":
    """A function and those that it wraps, the outermost first."""
    while function is not None:
        yield function
        function = getattr(function, "__wrapped__", None)


def is_from(function: "Any", *modules: str) -> bool:
    """Whether a wrapper was made by one of these modules; `wraps` hides that in its name."""
    module = getattr(function, "__globals__", {}).get("__name__", "")
    return str(module).startswith(modules)


def is_named_login_required(function: "Any") -> bool:
    """Whether a wrapper was made by a decorator of the application's own of that name."""
    code = getattr(function, "__code__", None)
    return getattr(code, "co_qualname", "").startswith("login_required.")  # 3.11 and up
