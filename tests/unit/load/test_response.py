from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.load.response import NO_HEAD, MalformedError, Response, read_whole

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + PLAIN
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, EARLY_HINTS, CLOSING])
@given(cuts=st.lists(st.integers(0, 120), max_size=4))
def test_pieces_do_not_matter(raw: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    pieces = [raw[start:end] for start, end in pairwise(edges) if start < end]
    response = Response()
    *incomplete, complete = [response.feed(piece) for piece in pieces]
    assert not any(incomplete)
    assert complete
    assert response.status == 200


@pytest.mark.parametrize(
    ("head", "keeps_alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCONNECTION:  Close", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close", False),
    ],
)
def test_the_head_says_whether_the_connection_stays(head: bytes, *, keeps_alive: bool) -> None:
    response = Response()
    response.feed(head + b"\r\n\r\n" + (b"0\r\n\r\n" if b"chunked" in head else b""))
    assert response.keeps_alive is keeps_alive


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_statuses_have_no_body(status: bytes) -> None:
    assert Response().feed(b"HTTP/1.1 " + status + b"\r\nServer: x\r\n\r\n")


def test_an_answer_to_head_has_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert Response(is_head_request=True).feed(head)
    assert not Response().feed(head)


def test_an_interim_answer_to_head_is_not_the_answer() -> None:
    response = Response(is_head_request=True)
    assert not response.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert response.feed(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert response.status == 204


def test_a_body_without_length_ends_with_the_connection() -> None:
    response = Response()
    assert not response.feed(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nsome")
    assert not response.feed(b"more")
    assert response.end()
    assert not response.keeps_alive


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", PLAIN[:-1], CHUNKED[:-3]])
def test_other_answers_are_cut_off_by_the_end_of_the_connection(raw: bytes) -> None:
    response = Response()
    if raw:
        response.feed(raw)
    assert not response.end()


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        PLAIN + b"!",
        CHUNKED + PLAIN,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 17),
    ],
)
def test_what_is_no_response_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        Response().feed(raw)


def test_an_answer_in_one_piece_is_known_by_its_head() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-Test: whole\r\nContent-Length: 5\r\n\r\nhello"
    assert read_whole(raw, NO_HEAD) is None  # never seen before
    assert Response().feed(raw)
    whole = read_whole(raw, NO_HEAD)
    assert whole is not None
    assert (whole.status, whole.keeps_alive) == (200, True)
    assert read_whole(raw, whole) is whole
    other = raw.replace(b"hello", b"HELLO")
    assert read_whole(other, whole) is read_whole(other, NO_HEAD) is whole
    assert read_whole(raw[:-1], whole) is None
    assert read_whole(raw + b"x", whole) is None


def test_an_interim_answer_is_never_the_whole() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nX-Test: interim\r\nContent-Length: 0\r\n\r\n"
    assert not Response().feed(interim)
    assert read_whole(interim, NO_HEAD) is None
