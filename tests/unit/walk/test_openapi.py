from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.errors import UsageError
from pinchpoint.model.workload import Parameter, Route
from pinchpoint.walk import document_in, values
from pinchpoint.walk.sources import access_log, har, openapi

YAML = """\
openapi: 3.0.3
servers: [{url: "https://shop.example/api/v1/"}]
paths:
  /books/{bookId}:
    parameters:
      - {$ref: "#/components/parameters/BookId"}
    get:
      operationId: readBook
      parameters:
        - name: since
          in: query
          required: true
          schema: {type: string, format: date}
          example: 2024-02-29
        - {name: X-Trace, in: header, required: true, schema: {type: string}}
    delete: {}
components:
  parameters:
    BookId:
      name: bookId
      in: path
      required: true
      schema: {type: integer}
      examples: {a: {value: 7}, b: {value: 8}}
"""
SWAGGER = {
    "paths": {
        "/books": {
            "get": {
                "parameters": [
                    {"name": "sort", "in": "query", "type": "string", "enum": ["title", "year"]},
                    {"name": "body", "in": "body", "schema": {}},
                ]
            }
        }
    },
    "basePath": "/v2",
    "swagger": "2.0",
}


def _read(text: str) -> tuple[Route, ...]:
    document = document_in("api", text.encode())
    assert openapi.recognises(document)
    assert not access_log.recognises(document)
    assert not har.recognises(document)
    return openapi.read_traffic(document).routes


def _parameter(**node: Any) -> Parameter:
    """What is read of one query parameter of OpenAPI 3.1."""
    tree = {"name": "x", "in": "query", **node}
    get = {"get": {"parameters": [tree]}}
    (route,) = _read(json.dumps({"openapi": "3.1.0", "paths": {"/": get}}))
    (parameter,) = route.parameters
    return parameter


def test_reads_yaml_with_references_and_a_prefix() -> None:
    get, delete = _read(YAML)
    assert get == Route(
        method="GET",
        path="/api/v1/books/{bookId}",
        handler="readBook",
        parameters=(
            Parameter(name="bookId", kind="int", examples=("7", "8")),
            Parameter(name="since", kind="date", location="query", examples=("2024-02-29",)),
        ),
    )
    assert delete.endpoint == "DELETE /api/v1/books/{bookId}"


def test_reads_swagger_2() -> None:
    (route,) = _read(json.dumps(SWAGGER))
    assert route.path == "/v2/books"
    assert route.parameters == (
        Parameter(name="sort", location="query", is_required=False, examples=("title", "year")),
    )


@pytest.mark.parametrize(
    ("node", "examples"),
    [
        ({"example": 1, "schema": {"example": 2, "default": 3, "enum": [4, 5]}}, ("1",)),
        ({"examples": {"a": {"value": 1}}, "schema": {"default": 3}}, ("1",)),
        ({"schema": {"examples": [1, 2], "default": 3}}, ("1", "2")),
        ({"schema": {"default": 3, "enum": [3, 4]}}, ("3",)),
        ({"schema": {"enum": ["a", None, "b"]}}, ("a", "b")),
        ({"schema": {"const": "only"}}, ("only",)),
        ({"schema": {"type": "boolean", "default": True}}, ("true",)),
        ({"schema": {"type": "array", "items": {"enum": ["a", "b"]}}}, ("a", "b")),
        ({"schema": {"type": "array", "items": {}, "example": ["a", "b"]}}, ("a", "b")),
        ({"schema": {"anyOf": [{"type": "null"}, {"enum": [4]}]}}, ("4",)),
        ({"content": {"application/json": {"schema": {"default": 3}}}}, ("3",)),
        ({"schema": {"type": "integer", "minimum": 10}}, ("10",)),
        ({"schema": {"type": "integer", "exclusiveMinimum": 10}}, ("11",)),
        ({"schema": {"type": "string", "minLength": 3}}, ("aaa",)),
        ({"schema": {"type": "integer"}}, ()),
        ({"schema": True}, ()),
        ({}, ()),
    ],
)
def test_examples_come_before_the_default_and_that_before_the_enumeration(
    node: dict[str, Any], examples: tuple[str, ...]
) -> None:
    assert _parameter(**node).examples == examples


@pytest.mark.parametrize(
    ("name", "schema", "guess"),
    [
        ("x", {"type": "string", "format": "uuid"}, "00000000-0000-0000-0000-000000000001"),
        ("page_date", {"type": "string", "format": "date-time"}, "2025-01-15T12:00:00Z"),
        ("pageSize", {"type": "integer"}, "1"),
        ("limit", {"type": ["integer", "null"]}, "10"),
        ("lang", {"type": "string"}, "en"),
        ("lang", {"type": "integer"}, "1"),
        ("x", {"type": "number"}, "1.0"),
        ("x", {"type": "boolean"}, "true"),
    ],
)
def test_without_examples_format_name_and_type_decide(
    name: str, schema: dict[str, Any], guess: str
) -> None:
    assert values.guesses(_parameter(name=name, schema=schema))[0] == guess


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"openapi": "3.0.0",\n "paths": }', "no JSON: Expecting value at line 2, column 11"),
        ("openapi: 3.0.0\npaths: [", "no YAML: .* at line 2, column 9"),
        ('{"openapi": "4.0.0", "paths": {}}', "openapi: version 4.0.0 is none of"),
        ('{"paths": {}}', "openapi: version none"),
        ("openapi: 3.0.0\npaths: []", "paths: an object is expected, not a list"),
        ("openapi: 3.0.0\npaths: {/a: 3}", "paths./a: an object is expected, not a number"),
        ("openapi: 3.0.0\npaths: {/a: {get: {parameters: 3}}}", "paths./a.get.parameters: a list"),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {parameters: [{in: query}]}}}",
            r"paths./a.get.parameters\[0\]: 'name' or 'in' is missing",
        ),
        (
            'openapi: 3.0.0\npaths: {/a: {$ref: "#/b"}}\nb: {$ref: "#/b"}',
            "paths./a: its references go in a circle",
        ),
        ('openapi: 3.0.0\npaths: {/a: {$ref: "#/b"}}', "paths./a: '#/b' does not exist"),
        ('openapi: 3.0.0\npaths: {/a: {$ref: "b.yaml"}}', "'b.yaml' is in another file"),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {parameters: [{name: x, in: query, schema: 3}]}}}",
            "x: an",
        ),
    ],
)
def test_a_wrong_file_is_named_with_the_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"api: .*{message}"):
        _read(text)


@pytest.mark.parametrize(
    "text", ["", "{}", "hello: world", "from locust import User\nopenapi: int"]
)
def test_other_files_are_not_recognised(text: str) -> None:
    assert not openapi.recognises(document_in("file", text.encode()))


def test_a_schema_that_contains_itself_ends() -> None:
    schema = {"$ref": "#/s"}
    tree = {"openapi": "3.1.0", "s": {"allOf": [{"$ref": "#/s"}]}, "paths": {"/": {"get": {}}}}
    tree["paths"]["/"]["get"] = {"parameters": [{"name": "x", "in": "query", "schema": schema}]}
    assert _read(json.dumps(tree))[0].parameters[0].name == "x"


_KEYS = ["get", "parameters", "name", "in", "schema", "type", "items", "$ref", "enum", "anyOf"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#/paths", "query", "array"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_KEYS), inner),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["/a", "/b/{id}"]), _JSON))
def test_whatever_is_wrong_is_a_usage_error(paths: dict[str, Any]) -> None:
    text = json.dumps({"openapi": "3.1.0", "paths": paths})
    with suppress(UsageError):
        assert all(route.path in paths for route in _read(text))
