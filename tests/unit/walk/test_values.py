from __future__ import annotations

import pytest

from pinchpoint.model.workload import Parameter, Route
from pinchpoint.walk import values

USER = Route(method="GET", path="/users/{id}", parameters=(Parameter(name="id", kind="int"),))


def _route(path: str, *parameters: Parameter) -> Route:
    return Route(method="GET", path=path, parameters=parameters)


def test_fills_path_and_required_query() -> None:
    route = _route(
        "/users/{id}",
        Parameter(name="id", kind="int"),
        Parameter(name="q", location="query"),
        Parameter(name="page", location="query", is_required=False),
    )
    assert values.fill(route, {"id": "7", "q": "a b"}) == "/users/7?q=a+b"


def test_quotes_what_would_change_the_path() -> None:
    route = _route("/tags/{name}", Parameter(name="name"))
    assert values.fill(route, {"name": "a/b?c"}) == "/tags/a%2Fb%3Fc"


def test_a_path_parameter_keeps_its_slashes() -> None:
    route = _route("/files/{name:path}", Parameter(name="name", kind="path"))
    assert values.fill(route, {"name": "a/b"}) == "/files/a/b"


def test_harvests_ids_from_lists_at_any_depth() -> None:
    body = b'{"items": [{"id": 3, "slug": "x", "nested": {"id": 9}}, {"id": 4}], "id": 1}'
    assert values.ids_in_json(body) == {"id": ("3", "4"), "slug": ("x",)}


@pytest.mark.parametrize("body", [b"", b"<html>", b"3", b"null", b"[1, 2]", b'[{"ok": true}]'])
def test_harvests_nothing_from_what_is_no_list_of_objects(body: bytes) -> None:
    assert values.ids_in_json(body) == {}


def test_ids_of_the_list_above_fill_the_route() -> None:
    harvest = {"/orders": {"id": ("1",)}, "/users": {"id": ("5", "6")}}
    assert values.candidates(Parameter(name="id", kind="int"), USER, harvest) == ("5", "6")


def test_ids_of_another_list_do_not() -> None:
    harvest = {"/orders": {"id": ("1",)}}
    assert values.candidates(Parameter(name="id", kind="int"), USER, harvest) == ()


def test_the_same_key_of_another_list_does() -> None:
    harvest = {"/orders": {"user_id": ("8",)}}
    route = _route("/users/{user_id}", Parameter(name="user_id", kind="int"))
    assert values.candidates(route.parameters[0], route, harvest) == ("8",)


def test_text_does_not_fill_an_integer() -> None:
    harvest = {"/users": {"id": ("abc",)}}
    assert values.candidates(Parameter(name="id", kind="int"), USER, harvest) == ()


@pytest.mark.parametrize(
    ("path", "fits"),
    [("/users/7", True), ("/users/7?tab=2", True), ("/users/x", False), ("/users/7/edit", False)],
)
def test_a_link_belongs_to_a_route(path: str, *, fits: bool) -> None:
    assert values.matches(USER, path) is fits


def test_finds_local_links_once() -> None:
    body = b'<a href="/users/1">a</a> <a HREF=\'/users/1\'>b</a> <a href="https://x/y">c</a>'
    assert values.links(body, "/") == ("/users/1",)


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("7/edit", "/users/7/edit"),
        ("../teams/3", "/teams/3"),
        ("?page=2&amp;size=9", "/users/?page=2&size=9"),
        ("/caf\xe9/a%20b", "/caf%C3%A9/a%20b"),
    ],
)
def test_reads_a_link_as_a_browser_would(link: str, path: str) -> None:
    assert values.links(f'<a href="{link}">'.encode(), "/users/") == (path,)


@pytest.mark.parametrize("link", ["//cdn/x.js", "mailto:a@b", "javascript:go()", "#top", "http:/x"])
def test_a_link_elsewhere_is_none(link: str) -> None:
    assert values.links(f'<a href="{link}">'.encode(), "/") == ()


def test_a_link_belongs_to_the_route_that_spells_it_out() -> None:
    page = _route("/{slug}", Parameter(name="slug", kind="path"))
    owner = values.owners((page, USER))
    assert owner("/users/7?tab=2") is USER
    assert owner("/about/us/") is page
    assert values.owners((USER,))("/about") is None


def test_reads_the_values_out_of_a_path() -> None:
    route = _route("/{shop}/items/{id}", Parameter(name="shop"), Parameter(name="id", kind="int"))
    assert values.extract(route, "/a%20b/items/7?tab=2") == {"shop": "a b", "id": "7"}
    assert values.extract(route, "/a/items/x") == {}
