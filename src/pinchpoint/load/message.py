"""The bytes of requests, prepared so that sending one costs a single format operation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinchpoint.model.workload import RequestTemplate

WITHOUT_BODY = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""Methods that say nothing of a length when they send no body (RFC 9110 §8.6)."""
PLACE = re.compile(r"\{\{(\w+)\}\}")
"""Where a journey fills in what it has captured."""
SAFE_IN_PATH = "/?&=%:;,@+$!*'()~#[]-._"
"""What a captured path or query may hold as it is; all else is percent-encoded."""

Format = bytes
"""A request with places for further header lines (bytes), trace id and intended start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request as text, perhaps with places that a journey fills in."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def has_places(self) -> bool:
        """Whether it differs from client to client."""
        texts = [self.path, self.body, *(value for _, value in self.headers)]
        return any(PLACE.search(text) for text in texts)

    def filled_path(self, values: Mapping[str, str]) -> str:
        """The path with what was captured, percent-encoded where it must be."""
        return PLACE.sub(lambda place: quote(values[place[1]], safe=SAFE_IN_PATH), self.path)

    def format(self, values: Mapping[str, str]) -> Format:
        """Fill in what was captured; `%` then takes (further lines, trace id, intended start).

        Raises:
            KeyError: A value that was not captured.
            ValueError: A value for a header holds a line break.
        """
        path = self.filled_path(values)
        body = PLACE.sub(lambda place: values[place[1]], self.body).encode()
        headers = [
            (name, PLACE.sub(lambda place: _one_line(values[place[1]]), value))
            for name, value in self.headers
        ]
        if body or self.method not in WITHOUT_BODY:
            headers.append(("Content-Length", str(len(body))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"{self.method} {path} HTTP/1.1\r\n{lines}".encode()
        return b"%b%%bX-Pinchpoint: %%020d-%%020d\r\n\r\n%b" % (
            head.replace(b"%", b"%%"),
            body.replace(b"%", b"%%"),
        )


def messages(template: RequestTemplate, authority: str) -> Sequence[Message]:
    """The requests of a template, one for each path.

    Args:
        template: Its own headers win over ours, but for the length of the body.
        authority: Host and port, for the header `Host`.
    """
    headers = {
        "host": ("Host", authority),
        "user-agent": ("User-Agent", f"pinchpoint/{version('pinchpoint')}"),
        "accept": ("Accept", "*/*"),
        "accept-encoding": ("Accept-Encoding", "identity"),
        **{name.lower(): (name, value) for name, value in template.headers},
    }
    headers.pop("content-length", None)
    return [
        Message(
            method=template.endpoint.partition(" ")[0],
            path=path,
            headers=tuple(headers.values()),
            body=body,
        )
        for path, body in zip(
            template.paths, template.bodies or [""] * len(template.paths), strict=True
        )
    ]


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header cannot hold a line break")
    return value
