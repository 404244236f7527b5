from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Ask
from pinchpoint.walk import document_in
from pinchpoint.walk.sources import har

if TYPE_CHECKING:
    from pinchpoint.model.traffic import Traffic


def _entry(url: str, method: str = "GET", status: int = 200) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-11-24T08:15:00.000Z",
        "request": {
            "method": method,
            "url": url,
            "headers": [{"name": "Authorization", "value": "Bearer s3cret"}],
            "cookies": [{"name": "sessionid", "value": "s3cret"}],
            "postData": {"text": "password=s3cret"},
        },
        "response": {"status": status, "headers": [{"name": "Set-Cookie", "value": "s3cret"}]},
    }


def _read(*entries: Any) -> Traffic:
    text = json.dumps({"log": {"version": "1.2", "entries": entries}})
    document = document_in("visit.har", text.encode())
    assert har.recognises(document)
    return har.read_traffic(document)


def test_counts_requests_to_the_first_host() -> None:
    found = _read(
        _entry("https://shop.example/books"),
        _entry("https://cdn.example/x.js"),
        _entry("https://shop.example/books/7?token=s3cret&tab=1"),
        _entry("https://shop.example/books/7?tab=1"),
        _entry("https://shop.example/orders", "POST", 303),
        _entry("https://shop.example/gone", status=404),
    )
    assert found.asks == {
        Ask("GET", "/books"): 1,
        Ask("GET", "/books/7?tab=1"): 2,
        Ask("POST", "/orders"): 1,
    }
    assert found.notes == (
        "visit.har: 1 requests to other hosts than shop.example are left out",
        "visit.har: 1 requests that failed are left out",
    )


def test_keeps_no_secret() -> None:
    found = _read(_entry("https://shop.example/books?session=s3cret"))
    assert "s3cret" not in str(found)


def test_what_is_no_request_is_counted() -> None:
    odd = [None, {}, {"request": 3}, _entry("data:image/png;base64,xx"), _entry("https://[")]
    found = _read(_entry("https://shop.example/"), *odd)
    assert found.notes == ("visit.har: 5 entries cannot be read",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"log": {"entries": [', "no JSON: .* at line 1, column"),
        ('{"log": {}}', "there are no log.entries"),
        ('{"log": {"entries": 3}}', "log.entries is no list"),
        ('{"log": {"entries": []}}', "no request in it succeeded; 0 entries"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"visit.har: {message}"):
        har.read_traffic(document_in("visit.har", text.encode()))


_JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["request", "url", "method", "response", "status"]), inner
        )
    ),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.lists(_JSON))
def test_odd_entries_are_left_out(entries: list[Any]) -> None:
    good = _entry("https://shop.example/books")
    assert _read(good, *entries).asks[Ask("GET", "/books")] == 1
