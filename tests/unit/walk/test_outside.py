"""Routes as they can be found from outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.launch.elsewhere import outside
from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.sample import Sample
from pinchpoint.walk import Visit, read_from_outside

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNNING = outside(
    App(
        target="http://127.0.0.1:8000",
        interface=Interface.UNKNOWN,
        framework=Framework.UNKNOWN,
        directory=Path(),
        python=Path(),
    ),
    Deployment(server="unknown"),
    host="127.0.0.1",
    port=8000,
)
HTML = {"content-type": "text/html; charset=utf-8"}
DESCRIPTION = b"""{"openapi": "3.1.0", "info": {}, "paths": {
  "/books": {"get": {}, "post": {}},
  "/books/{book_id}": {"get": {"parameters":
    [{"name": "book_id", "in": "path", "required": true, "schema": {"type": "integer"}}]}}}}"""


class Site:
    """Answers by path, and keeps what it was asked for."""

    def __init__(self, pages: Mapping[str, Visit]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def __call__(self, _endpoint: str, path: str) -> Visit:
        self.asked.append(path)
        return self.pages.get(path, page(path, status=404))


def page(
    path: str, body: bytes = b"", *, status: int = 200, error: str = "", **headers: str
) -> Visit:
    sample = Sample(1, f"GET {path}", 1, 1, 2, 2, 0 if error else status, len(body), error)
    return Visit(path=path, sample=sample, headers=headers or HTML, body=body)


def endpoints(*pages: Visit, paths: tuple[str, ...] = ()) -> list[str]:
    table, _ = read_from_outside(RUNNING, Site({one.path: one for one in pages}), paths)
    return [route.endpoint for route in table.routes]


def test_links_that_differ_in_their_keys_are_one_route() -> None:
    links = b'<a href="/books/1"><a href="/books/2"><a href="/books/7/pages/3">'
    assert endpoints(page("/", links)) == [
        "GET /",
        "GET /books/{id}",
        "GET /books/{id}/pages/{id2}",
    ]


def test_a_key_may_be_a_uuid() -> None:
    links = b'<a href="/books/123e4567-e89b-12d3-a456-426614174000">'
    assert endpoints(page("/", links)) == ["GET /", "GET /books/{id}"]


def test_files_and_other_hosts_are_no_routes() -> None:
    links = b'<link href="/a.css"><img src="/b.png"><a href="//else.example/c"><a href="/d.html">'
    assert endpoints(page("/", links)) == ["GET /", "GET /d.html"]


@pytest.mark.parametrize("link", ["/log-out", "/books/1/delete", "/cart/checkout", "/a?do=remove"])
def test_a_link_that_may_change_something_is_left_out(link: str) -> None:
    body = f'<a href="{link}">'.encode()
    assert endpoints(page("/", body)) == ["GET /"]


@pytest.mark.parametrize("link", ["/paying-guests", "/deleted-scenes", "/cancellations"])
def test_a_word_that_only_begins_like_one_is_no_change(link: str) -> None:
    assert endpoints(page("/", f'<a href="{link}">'.encode())) == ["GET /", f"GET {link}"]


def test_what_is_left_out_is_listed() -> None:
    body = b'<a href="/logout">'
    _, skipped = read_from_outside(RUNNING, Site({"/": page("/", body)}), ())
    assert [(one.endpoint, one.reason.partition(",")[0]) for one in skipped] == [
        ("GET /logout", "may change something")
    ]


def test_an_openapi_description_names_the_routes() -> None:
    described = page("/openapi.json", DESCRIPTION)
    found = endpoints(page("/", status=404), described)
    assert found == ["GET /books", "POST /books", "GET /books/{book_id}"]


def test_a_description_that_is_none_is_ignored() -> None:
    assert endpoints(page("/"), page("/openapi.json", b"{}")) == ["GET /"]


def test_paths_of_the_user_are_all_that_is_asked_for() -> None:
    site = Site({"/books?page=2": page("/books?page=2", b'<a href="/more">')})
    table, _ = read_from_outside(RUNNING, site, ("books?page=2", "/logout"))
    assert [route.endpoint for route in table.routes] == ["GET /books?page=2", "GET /logout"]
    assert site.asked == ["/books?page=2"]


def test_a_whole_url_is_no_path() -> None:
    with pytest.raises(UsageError, match="that is a whole URL"):
        endpoints(paths=("http://127.0.0.1:8000/books",))


@pytest.mark.parametrize("place", ["https://127.0.0.1:8000/", "http://shop.example/"])
def test_another_place_is_not_followed(place: str) -> None:
    with pytest.raises(UsageError, match="sends its visitors to"):
        endpoints(page("/", status=301, location=place))


@pytest.mark.parametrize("place", ["/start", "http://127.0.0.1:8000/start"])
def test_another_page_of_the_same_place_is_fine(place: str) -> None:
    assert endpoints(page("/", status=302, location=place)) == ["GET /"]


def test_no_answer_is_no_server() -> None:
    with pytest.raises(LaunchError, match=r"no answer of an HTTP server .* \(BadStatusLine\)"):
        endpoints(page("/", error="BadStatusLine"))
