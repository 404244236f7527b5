"""Flask's URL map."""

from pinchpoint_probe import routes, templates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_KINDS = {
    "UnicodeConverter": "str",
    "IntegerConverter": "int",
    "FloatConverter": "float",
    "UUIDConverter": "uuid",
    "PathConverter": "path",
    "AnyConverter": "any",
}
_LOGIN = ("flask_login", "flask_jwt_extended", "flask_httpauth", "flask_security")


def read(app: "Any") -> "list[dict[str, Any]]":
    """List the routes of a `flask.Flask` but those of static files."""
    return [
        {
            "method": method,
            "path": templates.from_angles(rule.rule),
            "handler": routes.handler_name(app.view_functions[rule.endpoint]),
            "needs_login": _needs_login(app.view_functions[rule.endpoint]),
            "parameters": list(_parameters(rule)),
        }
        for rule in app.url_map.iter_rules()
        if _is_page(app, rule)
        for method in sorted((rule.methods or {"GET"}) - {"HEAD", "OPTIONS"})
    ]


def _is_page(app: "Any", rule: "Any") -> bool:
    is_static = rule.endpoint.rpartition(".")[2] == "static"
    is_other = rule.build_only or rule.websocket or rule.redirect_to is not None
    return rule.endpoint in app.view_functions and not is_static and not is_other


def _parameters(rule: "Any") -> "Iterator[dict[str, Any]]":
    for name, converter in rule._converters.items():  # noqa: SLF001  # there is no public name
        kind = type(converter).__name__
        items = getattr(converter, "items", None)
        example = min(items) if kind == "AnyConverter" and items else ""
        yield routes.parameter(
            name, _KINDS.get(kind, kind.removesuffix("Converter").lower()), example=example
        )


def _needs_login(view: "Any") -> bool:
    return any(
        routes.is_from(function, *_LOGIN) or routes.is_named_login_required(function)
        for function in routes.decorators(view)
    )
