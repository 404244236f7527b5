from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.load.captures import read_answer, take
from pinchpoint.load.cookies import Jar
from pinchpoint.model.workload import Capture, CaptureSource

BODY = b'{"items": [{"id": 7, "slash/ed": "x", "~": "y", "ok": true}], "token": "t"}'
ANSWER = (
    b"HTTP/1.1 201 Created\r\nLocation: /orders/7\r\nSet-Cookie: csrf=c; Path=/\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


def taken(source: CaptureSource, expression: str, raw: bytes = ANSWER) -> str | None:
    jar = Jar()
    jar.store("csrf=c; Path=/", "/")
    return take(Capture(name="x", source=source, expression=expression), read_answer(raw), jar)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/items/0/id", "7"),
        ("/token", "t"),
        ("/items/0/slash~1ed", "x"),
        ("/items/0/~0", "y"),
        ("/items/0/ok", "true"),
        ("/items", None),
        ("/items/1/id", None),
        ("/nothing", None),
        ("/items/first", None),
        ("/token/0/deeper", None),
    ],
)
def test_a_json_pointer_leads_to_a_number_or_a_text(pointer: str, value: str | None) -> None:
    assert taken(CaptureSource.JSON, pointer) == value


@pytest.mark.parametrize(
    ("source", "expression", "value"),
    [
        (CaptureSource.HEADER, "location", "/orders/7"),
        (CaptureSource.HEADER, "X-Other", None),
        (CaptureSource.COOKIE, "csrf", "c"),
        (CaptureSource.COOKIE, "other", None),
        (CaptureSource.TEXT, r'"id": (\d+)', "7"),
        (CaptureSource.TEXT, r"name=(\w+)", None),
    ],
)
def test_the_other_parts_of_an_answer(
    source: CaptureSource, expression: str, value: str | None
) -> None:
    assert taken(source, expression) == value


def test_a_chunked_body_is_put_together() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'4\r\n{"a"\r\n6\r\n: "b"}\r\n0\r\n\r\n'
    )
    assert taken(CaptureSource.JSON, "/a", chunked) == "b"


def test_a_body_that_was_cut_off_has_no_value() -> None:
    assert taken(CaptureSource.JSON, "/token", ANSWER[:-5]) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX-Odd\x01: a\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100_000,
        b"",
    ],
)
def test_an_answer_that_breaks_the_rules_has_no_value(raw: bytes) -> None:
    assert taken(CaptureSource.JSON, "/0", raw) is None


@given(raw=st.binary())
def test_no_bytes_break_the_reading(raw: bytes) -> None:
    read_answer(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(body=JSON, pointer=st.text())
def test_any_pointer_into_any_body_gives_text_or_nothing(body: object, pointer: str) -> None:
    text = json.dumps(body).encode()
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)
    assert isinstance(taken(CaptureSource.JSON, pointer, raw), str | None)
