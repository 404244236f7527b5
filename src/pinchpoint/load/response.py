"""Read one HTTP/1 response from pieces of a stream.

Most answers of a server have the same head but for the date, so that what a head means is
remembered by its bytes; a body with a known length is only counted. Chunked and
close-delimited answers go through httptools.
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

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?(?:\r\n|$)")
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r\n|$)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:([^\r\n]*)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie:[ \t]*([^\r\n]*)", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


class MalformedError(Exception):
    """The bytes are no HTTP/1 response."""


class _Head(NamedTuple):
    status: int
    body_bytes: int  # -1: only a full parser can tell where the body ends
    keeps_alive: bool
    cookies: tuple[bytes, ...]


_heads: dict[bytes, _Head] = {}


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
            body_bytes = 0 if self._is_head_request else head.body_bytes
            if body_bytes < 0:
                self._parser = _Parser()
                return self._parse(data)
            self.status, _, self.keeps_alive, self.cookies = head
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

    def _parse(self, data: bytes) -> bool:
        assert self._parser is not None  # noqa: S101  # for the type checker
        is_complete = self._parser.feed(data)
        self.status, self.keeps_alive = self._parser.status, self._parser.keeps_alive
        self.cookies = self._parser.cookies
        return is_complete


def _remember(raw: bytes) -> _Head:
    line = _STATUS_LINE.match(raw)
    if line is None:
        raise MalformedError("no status line of HTTP/1")
    if len(_heads) >= MOST_REMEMBERED:
        _heads.clear()
    status = int(line[2])
    named = _CONNECTION.search(raw)
    options = named[1].lower() if named else b""
    keeps_alive = b"keep-alive" in options if line[1] == b"0" else b"close" not in options
    cookies = tuple(_COOKIE.findall(raw))
    _heads[raw] = head = _Head(status, _body_bytes(raw, status), keeps_alive, cookies)
    return head


def _body_bytes(raw: bytes, status: int) -> int:
    """Length of the body by RFC 9112 §6.3; -1 for interim, chunked, close-delimited answers."""
    if status < 200 or _TRANSFER_ENCODING.search(raw):
        return -1
    if status in {204, 304}:
        return 0
    length = _CONTENT_LENGTH.search(raw)
    return int(length[1]) if length else -1


class _Parser:
    """Where httptools reports what it reads."""

    def __init__(self) -> None:
        self.status = 0
        self.keeps_alive = False
        self.ends_with_connection = False
        self.cookies: list[bytes] = []
        self._is_complete = False
        self._is_delimited = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedError(str(error)) from error
        return self._is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        self._is_delimited |= key in {b"content-length", b"transfer-encoding"}
        if key == b"set-cookie":
            self.cookies.append(value)

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()
        self.ends_with_connection = self.status >= 200 and not self._is_delimited

    def on_message_complete(self) -> None:
        # An interim answer, such as 103 Early Hints, is followed by the final one.
        self._is_complete = self.status >= 200
