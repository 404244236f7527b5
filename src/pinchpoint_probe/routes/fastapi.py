"""What a FastAPI endpoint and its dependencies take."""

import sys

from pinchpoint_probe import routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_KINDS = {"UUID": "uuid", "Path": "path", "NoneType": "str"}
_UNDEFINED = ("PydanticUndefinedType", "UndefinedType")
"""Of pydantic 2 and 1: there is no default."""


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
            kind = kinds.get(field.alias, "str")
            found = _parameter(field.alias, field.field_info, _annotation(field), "path", kind)
            parameters.setdefault(("path", field.alias), found)
        for field in part.query_params:
            for name, info, annotation in _fields(field):
                parameters.setdefault(("query", name), _parameter(name, info, annotation, "query"))
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


def _annotation(field: "Any") -> "Any":
    """Its type: the field has it itself in pydantic 1, and its information in 2."""
    info = field.field_info
    return info.annotation if hasattr(info, "annotation") else field.outer_type_


def _fields(field: "Any") -> "Iterator[tuple[str, Any, Any]]":
    """A query parameter, or those of the model that stands for several."""
    annotation = _annotation(field)
    model = getattr(annotation, "model_fields", None)
    if model is None:
        yield field.alias, field.field_info, annotation
        return
    for name, info in model.items():
        yield info.alias or name, info, info.annotation


def _parameter(
    name: str, info: "Any", annotation: "Any", location: str, kind: str = "str"
) -> "dict[str, Any]":
    annotation = _without_none(annotation)
    return routes.parameter(
        name,
        kind if kind != "str" else _kind(annotation),
        location=location,
        is_required=not _has_default(info),
        example=_example(info, annotation),
    )


def _has_default(info: "Any") -> bool:
    if getattr(info, "default_factory", None) is not None:
        return True
    return info.default is not ... and type(info.default).__name__ not in _UNDEFINED


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
    examples = getattr(info, "examples", None)
    if examples and isinstance(examples, list):
        return examples[0]
    for example in (getattr(info, "openapi_examples", None) or {}).values():
        return example.get("value", "")
    members = getattr(annotation, "__members__", {})  # of an enumeration
    choices = [*members.values(), *getattr(annotation, "__args__", ())]
    default = info.default if _has_default(info) else None
    if default is not None and type(default).__name__ not in _UNDEFINED:
        return getattr(default, "value", default)
    if choices and not isinstance(choices[0], type):
        return getattr(choices[0], "value", choices[0])
    return ""
