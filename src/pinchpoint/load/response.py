"""Read one HTTP/1 response from pieces of a stream.

Most answers of a server have the same head but for the date, so that what a head means is
remembered by its bytes; a body with a known length is only counted. Chunked and
close-delimited answers go through httptools. Interim answers, such as 100 Continue, are
passed over. Whatever the server sends, memory is bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import httptools

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_END = b"\r\n\r\n"
LONGEST_HEAD_BYTES = 1 << 16
MOST_REMEMBERED = 4096
"""Heads; the date makes new ones each second."""
LONGEST_REMEMBERED_BYTES = 1 << 12
"""Longer heads are read each time, so that those remembered take 16 MB at most."""
FIRST_FINAL_STATUS = 200
SWITCHING_PROTOCOLS = 101

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?(?:\r\n|$)")
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:([^\r\n]*)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie:[ \t]*([^\r\n]*)", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


class MalformedError(Exception):
    """The bytes are no HTTP/1 response."""


class Head(NamedTuple):
    """What a head means."""

    status: int
    body_bytes: int  # -1: only a full parser can tell where the body ends
    keeps_alive: bool
    cookies: tuple[bytes, ...]
    whole_bytes: int  # of head and body; -1 as above, and for interim answers
    raw: bytes  # with the empty line


_heads: dict[bytes, Head] = {}


NO_HEAD = Head(0, -1, keeps_alive=False, cookies=(), whole_bytes=-1, raw=b"")


def read_whole(data: bytes, like: Head) -> Head | None:
    """The head of an answer that has come in one piece, if the same was seen before.

    Nearly all answers are such; for the others, and to HEAD, there is `Response`.

    Args:
        data: The first bytes of an answer.
        like: The head to compare with first; to look one up takes four times as long.
    """
    if len(data) == like.whole_bytes and data.startswith(like.raw):
        return like
    head = _heads.get(data[: data.find(HEAD_END)])
    return head if head is not None and head.whole_bytes == len(data) else None


class Response:
    """One response that is being read.

    Attributes:
        status: HTTP status; 0 before the head is complete.
        keeps_alive: The server leaves the connection open after it.
        cookies: Values of its headers `Set-Cookie`.
    """

    __slots__ = (
        "_is_head_request",
        "_parser",
        "_pending",
        "_remaining",
        "cookies",
        "keeps_alive",
        "status",
    )

    def __init__(self, *, is_head_request: bool = False) -> None:
        self.begin(is_head_request=is_head_request)

    def begin(self, *, is_head_request: bool) -> None:
        """Read another one."""
        self.status = 0
        self.cookies: Sequence[bytes] = ()
        self.keeps_alive = False
        self._is_head_request = is_head_request
        self._pending = b""
        self._remaining = -1
        self._parser: _Parser | None = None

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; True when the response is complete.

        Raises:
            MalformedError: It is no response, or goes on after its end.
        """
        if self._parser is not None:
            return self._parse(data)
        if self.status:
            self._remaining -= len(data)
        else:
            data = self._pending + data
            end = data.find(HEAD_END)
            if end < 0:
                return self._wait_for_head(data)
            head = _heads.get(data[:end]) or _remember(data[:end])
            if head.status < FIRST_FINAL_STATUS:
                return self._pass_over(data, end + len(HEAD_END))
            body_bytes = 0 if self._is_head_request else head.body_bytes
            if body_bytes < 0:
                self._parser = _Parser()
                return self._parse(data)
            self.status, self.keeps_alive, self.cookies = (
                head.status,
                head.keeps_alive,
                head.cookies,
            )
            self._remaining = body_bytes - (len(data) - end - len(HEAD_END))
        if self._remaining < 0:
            raise MalformedError("bytes after the end of the response")
        return not self._remaining

    def end(self) -> bool:
        """The server closed the connection: True if that completes the response."""
        return self._parser is not None and self._parser.ends_with_connection

    def _wait_for_head(self, data: bytes) -> bool:
        if len(data) > LONGEST_HEAD_BYTES or not data.startswith(b"HTTP/1."[: len(data)]):
            raise MalformedError("no head of a response")
        self._pending = data
        return False

    def _pass_over(self, data: bytes, start: int) -> bool:
        """Go on with the final answer, or wait for it, behind one interim answer or more."""
        while (end := data.find(HEAD_END, start)) >= 0:
            raw = data[start:end]
            if (_heads.get(raw) or _remember(raw)).status >= FIRST_FINAL_STATUS:
                break
            start = end + len(HEAD_END)
        self._pending = b""
        return self.feed(data[start:])

    def _parse(self, data: bytes) -> bool:
        assert self._parser is not None  # noqa: S101  # for the type checker
        is_complete = self._parser.feed(data)
        self.status, self.keeps_alive = self._parser.status, self._parser.keeps_alive
        self.cookies = self._parser.cookies
        return is_complete


def _remember(raw: bytes) -> Head:
    line = _STATUS_LINE.match(raw)
    if line is None or len(raw) > LONGEST_HEAD_BYTES:
        raise MalformedError("no head of HTTP/1")
    status = int(line[2])
    if status == SWITCHING_PROTOCOLS:
        raise MalformedError("another protocol that nobody asked for")
    named = _CONNECTION.search(raw)
    options = named[1].lower() if named else b""
    keeps_alive = b"keep-alive" in options if line[1] == b"0" else b"close" not in options
    cookies = tuple(_COOKIE.findall(raw))
    body_bytes = _body_bytes(raw, status)
    has_whole = status >= FIRST_FINAL_STATUS and body_bytes >= 0
    whole_bytes = len(raw) + len(HEAD_END) + body_bytes if has_whole else -1
    head = Head(status, body_bytes, keeps_alive, cookies, whole_bytes, raw + HEAD_END)
    if len(raw) <= LONGEST_REMEMBERED_BYTES:
        if len(_heads) >= MOST_REMEMBERED:
            _heads.clear()
        _heads[raw] = head
    return head


def _body_bytes(raw: bytes, status: int) -> int:
    """Length of the body by RFC 9112 §6.3; -1 for chunked, close-delimited and odd answers."""
    if _TRANSFER_ENCODING.search(raw):
        return -1
    if status in {204, 304}:
        return 0
    lengths = set(_CONTENT_LENGTH.findall(raw))
    return int(lengths.pop()) if len(lengths) == 1 else -1


class _Parser:
    """Where httptools reports what it reads."""

    def __init__(self) -> None:
        self.status = 0
        self.keeps_alive = False
        self.ends_with_connection = False
        self.cookies: list[bytes] = []
        self._is_complete = False
        self._is_delimited = False
        self._bodiless_bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        self._bodiless_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedError(str(error)) from error
        if self._bodiless_bytes > 2 * LONGEST_HEAD_BYTES:
            raise MalformedError("headers or trailers without end")
        return self._is_complete

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise MalformedError("bytes after the end of the response")

    def on_body(self, _data: bytes) -> None:
        self._bodiless_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        self._is_delimited |= key in {b"content-length", b"transfer-encoding"}
        if key == b"set-cookie":
            self.cookies.append(value)

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()
        self.ends_with_connection = not self._is_delimited

    def on_message_complete(self) -> None:
        self._is_complete = True
