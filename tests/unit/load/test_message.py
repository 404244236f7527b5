"""The bytes that go out, and what a journey may put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.load.message import capture_into, drafts, join
from pinchpoint.model.workload import RequestTemplate

if TYPE_CHECKING:
    from pinchpoint.load.message import Values

AUTHORITY = "shop.test:8000"


def sent(
    template: RequestTemplate, number: int = 0, cookies: bytes = b"", **captured: str
) -> bytes:
    values: Values = {}
    for name, value in captured.items():
        capture_into(values, name, value)
    return join(drafts(template, AUTHORITY)[number].fill(values, cookies), 7, 9)


def head_and_body(raw: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def template(endpoint: str, path: str, **options: object) -> RequestTemplate:
    return RequestTemplate(endpoint=endpoint, paths=(path,), **options)  # type: ignore[arg-type]


def test_a_get_has_no_length() -> None:
    lines, body = head_and_body(sent(template("GET /a", "/a?x=50%25")))
    assert lines[0] == b"GET /a?x=50%25 HTTP/1.1"
    assert b"Host: shop.test:8000" in lines
    assert lines[-1] == b"X-Pinchpoint: 7-9"
    assert not any(line.lower().startswith(b"content-length") for line in lines)
    assert body == b""


def test_a_post_sends_the_body_of_its_path() -> None:
    both = RequestTemplate(
        endpoint="POST /a/{id}",
        paths=("/a/1", "/a/2"),
        bodies=('{"n": "5 %"}', "ä"),
        headers=(("Content-Type", "application/json"),),
    )
    lines, body = head_and_body(sent(both, 0))
    assert (lines[0], body) == (b"POST /a/1 HTTP/1.1", b'{"n": "5 %"}')
    assert {b"Content-Type: application/json", b"Content-Length: 12"} <= set(lines)
    lines, body = head_and_body(sent(both, 1))
    assert (lines[0], body) == (b"POST /a/2 HTTP/1.1", "ä".encode())
    assert b"Content-Length: 2" in lines


def test_a_post_without_a_body_says_so() -> None:
    lines, _ = head_and_body(sent(template("POST /a", "/a")))
    assert b"Content-Length: 0" in lines


def test_headers_of_the_template_replace_ours_but_for_the_length() -> None:
    headers = (("host", "other"), ("ACCEPT", "text/html"), ("Content-Length", "99"))
    lines, _ = head_and_body(sent(template("GET /a", "/a", headers=headers)))
    assert {b"host: other", b"ACCEPT: text/html"} <= set(lines)
    assert sum(line.lower().startswith(b"host:") for line in lines) == 1
    assert not any(b"99" in line for line in lines)


def test_captured_values_go_into_path_header_and_body() -> None:
    one = template(
        "POST /a/{id}",
        "/a/{{id}}?q={{id}}",
        headers=(("X-CSRFToken", "{{token}}"),),
        bodies=('{"id": "{{id}}"}',),
    )
    lines, body = head_and_body(sent(one, id="7 ü", token="abc"))
    assert lines[0] == b"POST /a/7%20%C3%BC?q=7%20%C3%BC HTTP/1.1"
    assert b"X-CSRFToken: abc" in lines
    assert body == '{"id": "7 ü"}'.encode()
    assert f"Content-Length: {len(body)}".encode() in lines


def test_a_captured_link_stays_a_link() -> None:
    lines, _ = head_and_body(sent(template("GET next", "{{next}}"), next="/a/1?page=2&x=%41"))
    assert lines[0] == b"GET /a/1?page=2&x=%41 HTTP/1.1"


def test_cookies_have_their_place() -> None:
    lines, _ = head_and_body(sent(template("GET /a", "/a"), cookies=b"Cookie: a=%41\r\n"))
    assert b"Cookie: a=%41" in lines


def test_a_percent_sign_stays_with_places_and_without() -> None:
    plain = template("POST /a", "/a?x=%41", bodies=("5 %",))
    filled = template("POST /a", "/a?x=%41&id={{id}}", bodies=("5 %",))
    assert head_and_body(sent(plain))[0][0] == b"POST /a?x=%41 HTTP/1.1"
    assert head_and_body(sent(filled, id="7"))[0][0] == b"POST /a?x=%41&id=7 HTTP/1.1"
    assert head_and_body(sent(plain))[1] == head_and_body(sent(filled, id="7"))[1] == b"5 %"


def test_a_draft_knows_which_values_its_headers_hold() -> None:
    headers = (("X-CSRFToken", "{{token}}"), ("X-Other", "{{a}}-{{b}}"))
    (draft,) = drafts(template("GET /{id}", "/{{id}}", headers=headers), AUTHORITY)
    assert draft.in_headers == {"token", "a", "b"}


@given(value=st.text())
def test_no_captured_text_breaks_out_of_the_request_line(value: str) -> None:
    raw = sent(template("GET /a", "/a/{{id}}"), id=value)
    assert raw.split(b"\r\n")[0].count(b" ") == 2
    assert raw.split(b"\r\n")[1].startswith(b"Host: ")
