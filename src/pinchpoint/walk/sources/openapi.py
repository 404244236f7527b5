"""An OpenAPI description: 2 (Swagger), 3.0 or 3.1, as JSON or YAML.

Tells which routes there are and which values their parameters take, in this order: examples,
the default, the enumeration, then what format, name and type suggest. Knows nothing of how
often each is used. References inside of the document are followed, others are not.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Traffic
from pinchpoint.model.workload import Parameter, Route
from pinchpoint.walk.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
MOST_REFERENCES = 20
"""In a chain; a longer one goes in a circle."""
MOST_CHOICES = 50
"""Of an enumeration: more would only make the requests too many to be tried."""
LONGEST_TEXT = 64
"""Of a text that is made up because a shortest length is given."""

_HEAD = re.compile(
    r"^\s*\{.*\"(?:openapi|swagger|paths)\"\s*:|^[\"']?(?:openapi|swagger)[\"']?\s*:",
    re.DOTALL | re.MULTILINE,
)
_PYTHON = re.compile(r"^(?:import|from|def|class)\s", re.MULTILINE)
_KINDS = {"integer": "int", "number": "float", "boolean": "bool"}
_CHOICES = ("anyOf", "oneOf", "allOf")


def recognises(source: object) -> bool:
    """Whether it looks like one, right or wrong."""
    return (
        isinstance(source, Document)
        and bool(_HEAD.search(source.head))
        and not _PYTHON.search(source.head)
    )


def read_traffic(document: Document) -> Traffic:
    """Read the routes with the values of their parameters.

    Raises:
        UsageError: It is no valid description; the message says where.
    """
    root = _parsed(document)
    spec = _Spec(name=document.name, root=root)
    version = str(root.get("openapi") or root.get("swagger") or "none")
    if not version.startswith(("2.", "3.")):
        raise spec.wrong("openapi", f"version {version} is none of 2, 3.0, 3.1")
    paths = spec.mapping(root.get("paths", {}), "paths")
    routes = [route for path in paths for route in _routes(spec, str(path), paths[path])]
    return Traffic(source=document.name, routes=tuple(routes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spec:
    """The document, and the place of what is wrong in it."""

    name: str
    root: dict[str, Any]

    def wrong(self, place: str, what: str) -> UsageError:
        return UsageError(f"{self.name}: {place}: {what}", "Is it an OpenAPI description?")

    def mapping(self, node: object, place: str) -> dict[str, Any]:
        """A node that must be an object, its reference followed.

        Raises:
            UsageError: It is none, or refers to nothing.
        """
        for _ in range(MOST_REFERENCES):
            if not isinstance(node, dict):
                raise self.wrong(place, f"an object is expected, not {_kind_of(node)}")
            if "$ref" not in node:
                return node
            node = self._referred(str(node["$ref"]), place)
        raise self.wrong(place, "its references go in a circle")

    def _referred(self, reference: str, place: str) -> object:
        if not reference.startswith("#/"):
            raise self.wrong(place, f"'{reference}' is in another file; bundle them into one")
        node: Any = self.root
        for escaped in reference[2:].split("/"):
            step = escaped.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or step not in node:
                raise self.wrong(place, f"'{reference}' does not exist")
            node = node[step]
        return node


def _kind_of(node: object) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(node), "a number")


def _parsed(document: Document) -> dict[str, Any]:
    text = document.text()
    try:
        tree = json.loads(text) if text.lstrip().startswith("{") else _from_yaml(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{document.name}: no JSON: {error.msg} at {place}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{document.name}: {error}") from error
    if not isinstance(tree, dict):
        raise UsageError(f"{document.name}: an object is expected, not {_kind_of(tree)}")
    return tree


def _from_yaml(text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"no YAML: {getattr(error, 'problem', None) or error}{place}") from error


def _routes(spec: _Spec, path: str, node: object) -> Iterator[Route]:
    item = spec.mapping(node, f"paths.{path}")
    shared = _listed(spec, item, f"paths.{path}.parameters")
    for method in METHODS:
        if method not in item:
            continue
        place = f"paths.{path}.{method}"
        operation = spec.mapping(item[method], place)
        own = _listed(spec, operation, f"{place}.parameters")
        parameters = {(one["name"], one["in"]): one for one in (*shared, *own)}
        yield Route(
            method=method.upper(),
            path=_prefix(spec.root) + path,
            handler=str(operation.get("operationId", "")),
            parameters=tuple(
                _parameter(spec, one, f"{place}.parameters.{one['name']}")
                for one in parameters.values()
                if one["in"] in {"path", "query"}
            ),
            needs_login=bool(operation.get("security", spec.root.get("security"))),
        )


def _listed(spec: _Spec, node: dict[str, Any], place: str) -> Sequence[dict[str, Any]]:
    listed = node.get("parameters") or []
    if not isinstance(listed, list):
        raise spec.wrong(place, f"a list is expected, not {_kind_of(listed)}")
    found = [spec.mapping(one, f"{place}[{number}]") for number, one in enumerate(listed)]
    for number, one in enumerate(found):
        if not all(isinstance(one.get(key), str) for key in ("name", "in")):
            raise spec.wrong(f"{place}[{number}]", "'name' or 'in' is missing")
    return found


def _prefix(root: dict[str, Any]) -> str:
    """The path under which all routes are: `/api/v1`."""
    servers = root.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = first.get("url", "") if isinstance(first, dict) else ""
    path = str(root.get("basePath", "")) or urlsplit(str(url)).path
    return "" if "{" in path else path.rstrip("/")


def _parameter(spec: _Spec, node: dict[str, Any], place: str) -> Parameter:
    inside = node.get("schema", node)
    for media in (node.get("content") or {}).values() if "schema" not in node else ():
        inside = media.get("schema", {}) if isinstance(media, dict) else {}
    schema = _schema(spec, inside, place)
    return Parameter(
        name=node["name"],
        kind=_kind(schema),
        location=node["in"],
        is_required=node["in"] == "path" or bool(node.get("required")),
        examples=_examples(spec, node, schema, place),
    )


def _schema(spec: _Spec, node: object, place: str, depth: int = 0) -> dict[str, Any]:
    """What a value looks like.

    Of several possibilities the first that is not null counts, of a list its elements.
    """
    if isinstance(node, bool) or depth > MOST_REFERENCES:
        return {}
    schema = spec.mapping(node, place)
    for key in _CHOICES:
        for choice in schema.get(key) or ():
            inner = _schema(spec, choice, place, depth + 1)
            if inner.get("type") != "null":
                return {**inner, **{name: schema[name] for name in schema if name != key}}
    if _type(schema) == "array" and schema.get("items"):
        element = _schema(spec, schema["items"], place, depth + 1)
        own: dict[str, Any] = {
            name: schema[name] for name in ("example", "default") if name in schema
        }
        return {**element, **own}
    return schema


def _type(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):  # 3.1
        kinds = next((kind for kind in kinds if kind != "null"), "string")
    return str(kinds)


def _kind(schema: dict[str, Any]) -> str:
    kind = _type(schema)
    if kind == "string":
        return str(schema.get("format", "str"))
    return _KINDS.get(kind, "str")


def _examples(
    spec: _Spec, node: dict[str, Any], schema: dict[str, Any], place: str
) -> tuple[str, ...]:
    """Values that the description gives, the best founded first; none if it gives none."""
    named = node.get("examples")
    if isinstance(named, dict):
        named = [spec.mapping(one, f"{place}.examples").get("value") for one in named.values()]
    default = node.get("default", schema.get("default"))
    for given in (
        [node.get("example", node.get("x-example"))],
        named,
        [schema.get("example")],
        schema.get("examples"),
        [default],
        schema.get("enum") or node.get("enum"),
        [schema.get("const")],
        [_within_bounds(schema)],
    ):
        if texts := [_text(value) for value in _flat(given) if _is_scalar(value)]:
            return tuple(dict.fromkeys(texts))[:MOST_CHOICES]
    return ()


def _flat(given: object) -> Iterator[object]:
    """The values of a list; an example that is a list itself stands for its elements."""
    for value in given if isinstance(given, list) else ():
        yield from value if isinstance(value, list) else (value,)


def _is_scalar(value: object) -> bool:
    # A date in YAML is neither text nor number, and reads as it was written.
    return value is not None and not isinstance(value, dict | list) and bool(str(value))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _within_bounds(schema: dict[str, Any]) -> object:
    """A value that keeps to the bounds; None if there are none to keep to."""
    if _kind(schema) == "str" and isinstance(length := schema.get("minLength"), int):
        return "a" * length if 1 < length <= LONGEST_TEXT else None
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if above is True:  # 2 and 3.0
        above, low = low, None
    if isinstance(above, int | float) and not isinstance(above, bool):
        return math.floor(above) + 1
    if not isinstance(low, int | float) or isinstance(low, bool):
        return None
    return math.ceil(low) if low > 1 else None
