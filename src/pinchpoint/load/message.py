"""The bytes of requests, prepared so that sending one costs as little as can be."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinchpoint.model.workload import RequestTemplate

    Headers = Sequence[tuple[str, str]]

WITHOUT_BODY = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""Methods that say nothing of a length when they send no body (RFC 9110 §8.6)."""
PLACE = re.compile(r"\{\{(\w+)\}\}")
"""Where a journey fills in what it has captured."""
SAFE_IN_PATH = "/?&=%:;,@+$!*'()~#[]-._"
"""What a captured path or query may hold as it is; all else is percent-encoded."""

Values = dict[bytes, Any]
"""What the places of a draft are filled with: bytes and integers, by name."""

Parts = tuple[bytes, bytes]
"""A request before and behind the line that tells it from all others; see `join`."""


def join(parts: Parts, trace_id: int, intended_ns: int) -> bytes:
    """One request of its own: with the header that joins it to what the probe sees."""
    head, body = parts
    return head + b"X-Pinchpoint: %d-%d\r\n\r\n" % (trace_id, intended_ns) + body


class Draft(NamedTuple):
    """A request, perhaps with places for what a virtual client has captured.

    Attributes:
        path: The path; a format if there are places.
        head: The request's line and headers without cookies; likewise.
        body: Likewise.
        has_places: Whether there are places anywhere.
        in_headers: Names of the values that headers hold.
    """

    path: bytes
    head: bytes
    body: bytes
    has_places: bool
    in_headers: frozenset[str]

    def target(self, values: Values) -> str:
        """The path of one client's request."""
        return (self.path % values if self.has_places else self.path).decode()

    def fill(self, values: Values, cookies: bytes) -> Parts:
        """The request of one client.

        Args:
            values: What `capture_into` has put there.
            cookies: The line with them, or nothing.
        """
        if not self.has_places:
            return self.head + cookies, self.body
        body = self.body % values if self.body else b""
        values[b":length"] = len(body)
        return self.head % values + cookies, body


def drafts(template: RequestTemplate, authority: str) -> Sequence[Draft]:
    """The requests of a template, one for each path.

    Args:
        template: Its own headers win over ours, but for the length of the body.
        authority: Host and port, for the header `Host`.
    """
    method = template.endpoint.partition(" ")[0]
    headers = _headers(template, authority)
    bodies = template.bodies or [""] * len(template.paths)
    return [
        _draft(method, path, headers, body)
        for path, body in zip(template.paths, bodies, strict=True)
    ]


def capture_into(values: Values, name: str, value: str) -> None:
    """Keep a captured value as drafts need it: as it is, and percent-encoded for a path."""
    values[name.encode()] = value.encode("utf-8", "replace")
    values[b"path:" + name.encode()] = quote(value, safe=SAFE_IN_PATH, errors="replace").encode()


def _draft(method: str, path: str, headers: Headers, body: str) -> Draft:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    length = str(len(body.encode()))
    has_places = any(PLACE.search(text) for text in (path, lines, body))
    if has_places:
        path, lines, body = _places(path, kind="path:"), _places(lines), _places(body)
        length = "%(:length)d"
    if body or method not in WITHOUT_BODY:
        lines += f"Content-Length: {length}\r\n"
    return Draft(
        path=path.encode(),
        head=f"{method} {path} HTTP/1.1\r\n{lines}".encode(),
        body=body.encode(),
        has_places=has_places,
        in_headers=frozenset(name for _, value in headers for name in PLACE.findall(value)),
    )


def _headers(template: RequestTemplate, authority: str) -> Headers:
    headers = {
        "host": ("Host", authority),
        "user-agent": ("User-Agent", f"pinchpoint/{version('pinchpoint')}"),
        "accept": ("Accept", "*/*"),
        "accept-encoding": ("Accept-Encoding", "identity"),
        **{name.lower(): (name, value) for name, value in template.headers},
    }
    headers.pop("content-length", None)
    return list(headers.values())


def _places(text: str, kind: str = "") -> str:
    """Turn it into a format whose places have names."""
    return PLACE.sub(rf"%({kind}\1)b", text.replace("%", "%%"))
