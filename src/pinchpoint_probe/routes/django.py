"""Django's URL resolver."""

import sys

from pinchpoint_probe import routes, templates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_KINDS = {"StringConverter": "str"}
_LOGIN_PERMISSIONS = {"IsAuthenticated", "IsAdminUser", "DjangoModelPermissions"}
"""Of Django REST framework."""
_LOGIN_MIDDLEWARE = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def read() -> "list[dict[str, Any]]":
    """List the routes of the root URLconf but those of static files."""
    all_need_login = _LOGIN_MIDDLEWARE in sys.modules["django.conf"].settings.MIDDLEWARE
    resolver = sys.modules["django.urls"].get_resolver()
    return [
        {
            "method": method,
            "path": templates.from_django(route),
            "handler": routes.handler_name(view),
            "needs_login": _needs_login(view, all_need_login=all_need_login),
            "parameters": [routes.parameter(name, kind) for name, kind in kinds.items()],
        }
        for route, view, kinds in _walk(resolver.url_patterns, "", {})
        if not routes.is_from(view, "django.views.static", "django.contrib.staticfiles")
        for method in _methods(view)
    ]


def _walk(
    patterns: "Any", prefix: str, kinds: "Mapping[str, str]"
) -> "Iterator[tuple[str, Any, dict[str, str]]]":
    """Yield route (spelled as in `ResolverMatch.route`), view and kinds of parameters."""
    for item in patterns:
        text = str(item.pattern)
        route = prefix + text.removeprefix("^") if prefix else text
        unnamed = sum(name[:1] == "_" and name[1:].isdecimal() for name in kinds)
        found = {**kinds, **_kinds(item.pattern, unnamed)}
        if hasattr(item, "url_patterns"):
            yield from _walk(item.url_patterns, route, found)
        else:
            yield route, item.callback, found


def _kinds(pattern: "Any", unnamed: int) -> "dict[str, str]":
    """Kinds of a pattern's parameters; groups without a name are `_0`, `_1`... as in templates."""
    if pattern.converters:
        return {name: _kind(converter) for name, converter in pattern.converters.items()}
    if not hasattr(pattern, "regex"):
        return {}
    found = {}
    for name, inside in _groups(pattern.regex.pattern):
        found[name or f"_{unnamed}"] = _kind_of_regex(inside)
        unnamed += not name
    return found


def _kind(converter: "Any") -> str:
    name = type(converter).__name__
    return _KINDS.get(name, name.removesuffix("Converter").lower())


def _groups(regex: str) -> "Iterator[tuple[str, str]]":
    """Name, if any, and inside of the outermost capturing groups of a regular expression."""
    import re

    starts: list[tuple[int, str | None]] = []
    for sign in re.finditer(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|\((?:\?P<(\w+)>|(\?))?|\)", regex):
        if sign[0].startswith("("):
            starts.append((sign.end(), None if sign[2] else sign[1] or ""))
        elif sign[0] == ")" and starts:
            start, name = starts.pop()
            if name is not None and all(outer is None for _, outer in starts):
                yield name, regex[start : sign.start()]


def _kind_of_regex(inside: str) -> str:
    import re

    if re.fullmatch(r"(\\d|\[0-9\])([+]|\{[\d,]+\})?", inside):
        return "int"
    classes = re.findall(r"\[(?!\^)[^\]]*\]", inside)
    others = re.sub(r"\[[^\]]*\]|\\.", "", inside)
    may_have_slashes = "/" in "".join(classes) or "/" in others or "." in others
    return "path" if may_have_slashes else "str"


def _methods(view: "Any") -> "list[str]":
    """Methods that a view says it answers; of a plain function, only GET is known."""
    actions = getattr(view, "actions", None)
    if actions:
        return sorted(method.upper() for method in actions)
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if owner is not None:
        own = [method for method in owner.http_method_names if hasattr(owner, method)]
        return sorted(method.upper() for method in own if method not in {"head", "options"})
    for function in routes.decorators(view):
        if routes.is_from(function, "django.views.decorators.http"):
            allowed = _closure(function).get("request_method_list", ())
            return sorted(set(allowed) - {"HEAD", "OPTIONS"})
    return ["GET"]


def _closure(function: "Any") -> "dict[str, Any]":
    names = function.__code__.co_freevars
    return {
        name: cell.cell_contents
        for name, cell in zip(names, function.__closure__ or (), strict=True)
    }


def _needs_login(view: "Any", *, all_need_login: bool) -> bool:
    if not getattr(view, "login_required", True):  # login_not_required
        return False
    owner = getattr(view, "view_class", None) or getattr(view, "cls", None)
    functions = [*routes.decorators(view), getattr(owner, "dispatch", None)]
    permissions = getattr(owner, "permission_classes", ())
    return (
        all_need_login
        or any(_is_guarded(function) for function in functions)
        or any(base.__module__ == "django.contrib.auth.mixins" for base in _bases(owner))
        or any(getattr(kind, "__name__", "") in _LOGIN_PERMISSIONS for kind in permissions)
    )


def _is_guarded(function: "Any") -> bool:
    """Whether `user_passes_test`, `login_required` or the admin site wrapped it."""
    return (
        hasattr(function, "login_url")
        or routes.is_from(function, "django.contrib.admin")
        or routes.is_named_login_required(function)
    )


def _bases(owner: "Any") -> "tuple[type, ...]":
    return owner.__mro__ if isinstance(owner, type) else ()
