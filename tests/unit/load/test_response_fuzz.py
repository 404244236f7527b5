"""The parser under hostile bytes: cuts make no difference, it never crashes, memory is bounded."""

from __future__ import annotations

import itertools
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinchpoint.load.response import NO_HEAD, MalformedError, Response, read_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

PIECE_BYTES = 1 << 16
STREAM_BYTES = 1 << 22
MEMORY_BYTES = 1 << 20
"""A quarter of what is streamed, and more than any one answer needs."""

STATUS_LINES = st.sampled_from(
    b"200 OK|204 No Content|304 Not Modified|500|100 Continue|103 Early Hints"
    b"|101 Switching Protocols|99 Low|600 High|2xx|".split(b"|")
)
HEADERS = st.sampled_from(
    b"Content-Length: 5|content-length:3|Content-Length: 0|Content-Length: -1|Content-Length: +5"
    b"|Content-Length: 5, 5|Content-Length: 99999999999999999999|Transfer-Encoding: chunked"
    b"|Transfer-Encoding: gzip|Connection: close|Connection: keep-alive|Connection: upgrade"
    b"|Upgrade: websocket|Set-Cookie: a=b|Set-Cookie: |X: \xff\x00|nonsense| folded".split(b"|")
)
BODIES = st.sampled_from([b"", b"hel", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\nX: y\r\n\r\n"])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Something like an answer: parts of good and bad ones, put together by chance."""
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2"]))
    lines = [version + b" " + draw(STATUS_LINES), *draw(st.lists(HEADERS, max_size=4))]
    return b"\r\n".join(lines) + b"\r\n\r\n" + draw(BODIES)


STREAMS = st.lists(answers() | st.binary(max_size=20), max_size=3).map(b"".join)


def outcome(pieces: Iterable[bytes], *, is_head: bool) -> object:
    """What becomes of an answer that is followed by the end of the connection."""
    response = Response(is_head_request=is_head)
    is_complete = False
    try:
        for piece in pieces:
            if is_complete:
                return "malformed"  # as when what follows is in the same piece
            is_complete = response.feed(piece)
    except MalformedError:
        return "malformed"
    if is_complete or response.end():
        return response.status, response.keeps_alive, list(response.cookies)
    return "cut off"


@given(raw=STREAMS, cuts=st.lists(st.integers(0, 300), max_size=8), is_head=st.booleans())
@example(
    raw=b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n" % (b"9" * 5000), cuts=[], is_head=False
)
def test_pieces_make_no_difference(raw: bytes, cuts: list[int], *, is_head: bool) -> None:
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    pieces = [raw[start:end] for start, end in pairwise(edges) if start < end]
    assert outcome(pieces, is_head=is_head) == outcome([raw] if raw else [], is_head=is_head)


@given(raw=STREAMS)
def test_single_bytes_make_no_difference(raw: bytes) -> None:
    single = [raw[place : place + 1] for place in range(len(raw))]
    assert outcome(single, is_head=False) == outcome([raw] if raw else [], is_head=False)


@given(raw=STREAMS, like=answers())
def test_the_short_cut_says_what_the_parser_says(raw: bytes, like: bytes) -> None:
    parsed = outcome([raw] if raw else [], is_head=False)  # remembers the head
    outcome([like], is_head=False)
    whole = read_whole(raw, read_whole(like, NO_HEAD) or NO_HEAD)
    assert whole is None or parsed == (whole.status, whole.keeps_alive, list(whole.cookies))


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "head": (HEAD, b"X: y\r\n"),
    "header": (HEAD + b"X: ", b"y"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 999999999999\r\n\r\n", b"y"),
    "body without length": (HEAD + b"\r\n", b"y"),
    "chunks": (CHUNKED, b"1\r\ny\r\n"),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"1;", b"y"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n"),
    "trailer": (CHUNKED + b"0\r\nX: ", b"y"),
    "cookies in trailers": (CHUNKED + b"0\r\n", b"Set-Cookie: y\r\n"),
    "answers": (b"", HEAD + b"Content-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_takes_no_memory(name: str) -> None:
    begin, repeated = ENDLESS[name]
    piece = repeated * (PIECE_BYTES // len(repeated))

    def stream() -> None:
        response = Response()
        try:
            for data in [begin + piece, *itertools.repeat(piece, STREAM_BYTES // len(piece))]:
                assert not response.feed(data)
        except MalformedError:
            pass

    assert _peak_bytes(stream) < MEMORY_BYTES


def test_heads_that_are_never_the_same_take_no_memory() -> None:
    filler = b"X: " + b"y" * 60_000

    def stream() -> None:
        for number in range(1000):
            assert Response().feed(
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nNumber: %d\r\n%s\r\n\r\n"
                % (number, filler)
            )

    assert _peak_bytes(stream) < MEMORY_BYTES


def _peak_bytes(act) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
