from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.walk.privacy import clean

UUID = "6f1c2a3e-1111-4222-8333-944455556666"


@pytest.mark.parametrize(
    ("recorded", "kept"),
    [
        ("/books?page=2&token=abc", "/books?page=2"),
        ("/books?apiKey=1&accessToken=2&user[email]=3&csrf_token=4", "/books"),
        ("/books?q=bob@example.com", "/books"),
        ("/books?next=eyJhbGciOiJIUzI1NiJ9.e30.x", "/books"),
        ("/reset/MQ/c6k3x2-8f0e1a2b3c4d5e6f7a8b9c0d1e2f3a4b/", "/reset/MQ/redacted/"),
        ("/users/bob%40example.com/orders", "/users/redacted/orders"),
        ("https://bob:secret@shop.example/books?page=2#top", "/books?page=2"),
        ("https://shop.example", "/"),
    ],
)
def test_secrets_and_people_go(recorded: str, kept: str) -> None:
    assert clean(recorded) == kept


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/books/17?page=2&sort=title",
        f"/orders/{UUID}",
        "/documents/507f1f77bcf86cd799439011",
        "/blog/2024/the-best-10-books-of-the-year",
        "/search?q=caf%C3%A9&empty=",
        "/keyboards?monkey=1",
    ],
)
def test_what_is_no_secret_stays(target: str) -> None:
    assert clean(target) == target


@pytest.mark.parametrize("target", ["", "*", "books", "http://[", "mailto:bob@example.com"])
def test_what_is_no_target_is_none(target: str) -> None:
    assert clean(target) == ""


@given(st.text())
def test_the_result_fits_in_a_request_line(target: str) -> None:
    found = clean(f"/{target}")
    assert found.isascii()
    assert not set(found) & set(" \r\n\t\0")
