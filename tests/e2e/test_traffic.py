"""What is known of real traffic reaches the load: mix, values, popularity, logins."""

from __future__ import annotations

import gzip
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from command_line import pinchpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_line import Result

pytestmark = pytest.mark.e2e

SECRET = "v3ry-secret-42"
LOGIN = f"--header=Authorization: Bearer {SECRET}"
APP = """
import os
from typing import Literal
from fastapi import FastAPI, Header, HTTPException, Query

app = FastAPI()

@app.get("/books")
def books(order: Literal["title", "year"], page: int = Query(ge=3)):
    return [{"id": number} for number in range(1, 30)]

@app.get("/books/{book_id}")
def book(book_id: int):
    if book_id >= 30:
        raise HTTPException(404)
    return {"id": book_id}

@app.get("/me")
def me(authorization: str = Header("")):
    if authorization != "Bearer " + os.environ["TOKEN"]:
        raise HTTPException(401)
    return "me"

@app.delete("/books/{book_id}")
def delete(book_id: int):
    return None
"""
LINE = '192.0.2.7 - bob [24/Nov/2026:08:15:00 +0000] "{} HTTP/1.1" 200 9 "-" "curl/8.5.0"\n'
ASKED = (
    *["GET /books/7"] * 6,
    "GET /books/8?token=abc",
    "GET /me",
    "GET /x.css",
    "DELETE /books/7",
)

LISTED = """\
load  GET /books             75%  2 paths such as /books?order=title&page=3, from the description
load  GET /books/{book_id}   25%  3 paths such as /books/10, from [tool.pinchpoint.traffic]
skip  DELETE /books/{book_id}: writes (method)
skip  GET /me: needs login (401)
note  mix: weights of [tool.pinchpoint.traffic]
note  values: the description (1), [tool.pinchpoint.traffic] (1)
note  popularity of values: Zipf with exponent 1, as configured
"""


@pytest.fixture
def routes(
    pinchpoint_here: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run `pinchpoint routes` on the application."""
    (tmp_path / "shop.py").write_text(APP, "utf-8")
    monkeypatch.setenv("TOKEN", SECRET)
    return partial(pinchpoint_here, "routes", "shop.py", f"--python={sys.executable}")


def _tree(found: Result) -> dict[str, dict[str, Any]]:
    assert found.status == 0, found.errors
    return {route["endpoint"]: route for route in json.loads(found.output)["routes"]}


def test_a_log_gives_shares_values_and_popularity(
    routes: Callable[..., Result], tmp_path: Path
) -> None:
    lines = "".join(LINE.format(request) for request in ASKED) + "broken\n"
    (tmp_path / "old.txt").write_bytes(gzip.compress(lines.encode()))
    found = routes("--traffic=old.txt", LOGIN, "--json=-")
    tree = _tree(found)
    assert {name: route["share_ratio"] for name, route in tree.items()} == {
        "GET /books/{book_id}": 7 / 8,
        "GET /me": 1 / 8,
    }
    assert tree["GET /books/{book_id}"]["paths"] == ["/books/7", "/books/8"]
    assert tree["GET /books/{book_id}"]["path_weights"] == [6, 1]
    assert "old.txt: 1 of 11 lines have no request that can be read" in found.output
    assert "recorded requests left out: 1 of no route, 1 DELETE" in found.output
    assert not [word for word in (SECRET, "192.0.2", "bob", "abc") if word in found.output]


def test_the_projects_table_and_the_apps_own_description(
    routes: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pinchpoint.traffic]\nweights = { "GET /books" = 3 }\n'
        "values = { book_id = { range = [10, 12] } }\npopularity = 'zipf'\n",
        "utf-8",
    )
    found = routes()
    assert found.status == 0, found.errors
    assert found.output == LISTED


@pytest.mark.soak
def test_the_value_of_a_header_is_nowhere_in_a_run(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP, "utf-8")
    python = f"--python={sys.executable}"
    options = (python, "--header", f"Authorization: Bearer {SECRET}", "--only=/me", "--quick")
    found = pinchpoint("check", "shop.py", *options, folder=tmp_path, TOKEN=SECRET)
    assert found.status in {0, 4}, found.output + found.errors
    assert "VERDICT" in found.output
    written = [file.read_bytes() for file in tmp_path.glob(".pinchpoint/*/*")]
    texts = [gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for data in written]
    assert len(texts) >= 4
    said = [*texts, found.output.encode(), found.errors.encode()]
    assert [text for text in said if SECRET.encode() in text] == []
