"""What a FastAPI endpoint and its dependencies take."""

import sys

from pinchpoint_probe import routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_KINDS = {"UUID": "uuid", "Path": "path", "NoneType": "str"}


def details(dependant: "Any", kinds: "Mapping[str, str]") -> "dict[str, Any]":
    """Read parameters and security schemes.

    Args:
        dependant: Of the route.
        kinds: Of the parameters in the path, as the template has them.
    """
    parameters: dict[tuple[str, str], Any] = {}
    needs_login = False
    for part in _flat(dependant):
        needs_login = needs_login or _is_security(part.call)
        for field in part.path_params:
            found = _parameter(field.alias, field.field_info, "path", kinds.get(field.alias, "str"))
            parameters.setdefault(("path", field.alias), found)
        for field in part.query_params:
            for name, info in _fields(field):
                parameters.setdefault(("query", name), _parameter(name, info, "query"))
    declared = [name for name in kinds if ("path", name) not in parameters]
    undeclared = [routes.parameter(name, kinds[name]) for name in declared]
    return {"needs_login": needs_login, "parameters": [*parameters.values(), *undeclared]}


def _flat(dependant: "Any") -> "Iterator[Any]":
    yield dependant
    for inner in dependant.dependencies:
        yield from _flat(inner)


def _is_security(call: "Any") -> bool:
    """Whether it refuses requests without credentials, as `OAuth2PasswordBearer` does."""
    base = sys.modules["fastapi.security.base"].SecurityBase
    return isinstance(call, base) and bool(getattr(call, "auto_error", True))


def _fields(field: "Any") -> "Iterator[tuple[str, Any]]":
    """A query parameter, or those of the model that stands for several."""
    model = getattr(field.field_info.annotation, "model_fields", None)
    if model is None:
        yield field.alias, field.field_info
        return
    for name, info in model.items():
        yield info.alias or name, info


def _parameter(name: str, info: "Any", location: str, kind: str = "str") -> "dict[str, Any]":
    annotation = _without_none(info.annotation)
    return routes.parameter(
        name,
        kind if kind != "str" else _kind(annotation),
        location=location,
        is_required=info.is_required(),
        example=_example(info, annotation),
    )


def _without_none(annotation: "Any") -> "Any":
    """`int | None` is an `int` here."""
    choices = [kind for kind in getattr(annotation, "__args__", ()) if kind is not type(None)]
    is_optional = len(choices) == 1 and type(None) in annotation.__args__
    return choices[0] if is_optional else annotation


def _kind(annotation: "Any") -> str:
    if not isinstance(annotation, type):
        return "str"
    if issubclass(annotation, str):
        return "str"
    return _KINDS.get(annotation.__name__, annotation.__name__)


def _example(info: "Any", annotation: "Any") -> "Any":
    """What the application's own description gives: an example, the default, a choice."""
    if info.examples:
        return info.examples[0]
    for example in (getattr(info, "openapi_examples", None) or {}).values():
        return example.get("value", "")
    members = getattr(annotation, "__members__", {})  # of an enumeration
    choices = [*members.values(), *getattr(annotation, "__args__", ())]
    default = None if info.is_required() else info.default
    if default is not None and type(default).__name__ != "PydanticUndefinedType":
        return getattr(default, "value", default)
    if choices and not isinstance(choices[0], type):
        return getattr(choices[0], "value", choices[0])
    return ""
