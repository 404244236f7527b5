"""The cookies of one virtual client that talks to one host."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

MOST_REMEMBERED = 1024
"""Headers `Set-Cookie` whose meaning is remembered: the same ones come again and again."""


class Cookie(NamedTuple):
    """What one `Set-Cookie` says; `folder` is empty where it follows from the request."""

    name: str
    value: str
    folder: str
    is_over: bool


class Jar:
    """Keeps what the host sets, as RFC 6265 says for a single host and scheme.

    Cookies live as long as the client, unless the host takes them back: a lifetime that is
    over when it is set deletes (`Max-Age` of 0 or less, `Expires` before 1980).

    Attributes:
        everywhere: What `line` gives for all paths; None if that depends on the path.
    """

    def __init__(self) -> None:
        self.everywhere: bytes | None = b""
        self._kept: dict[tuple[str, str], str] = {}

    def store(self, set_cookie: str, request_path: str) -> None:
        """Take one `Set-Cookie` header; one without a name is ignored."""
        cookie = _parse(set_cookie)
        if cookie is None:
            return
        key = cookie.name, cookie.folder or _folder(request_path)
        if self._kept.get(key) == cookie.value and not cookie.is_over:
            return
        if cookie.is_over:
            self._kept.pop(key, None)
        else:
            self._kept[key] = cookie.value
        is_everywhere = all(folder == "/" for _, folder in self._kept)
        self.everywhere = self.line("/") if is_everywhere else None

    def line(self, request_path: str) -> bytes:
        """The header `Cookie` with its end; empty if none fits. Longer paths come first."""
        path = request_path.partition("?")[0]
        fitting = [
            (-len(folder), f"{name}={value}")
            for (name, folder), value in self._kept.items()
            if _is_below(path, folder)
        ]
        pairs = [text for _, text in sorted(fitting, key=lambda item: item[0])]
        return f"Cookie: {'; '.join(pairs)}\r\n".encode("latin-1") if pairs else b""

    def value(self, name: str) -> str | None:
        """The value of the cookie with a name, whatever its path."""
        return next((text for (kept, _), text in self._kept.items() if kept == name), None)


@lru_cache(MOST_REMEMBERED)
def _parse(set_cookie: str) -> Cookie | None:
    pair, *rest = set_cookie.split(";")
    name, equals, value = pair.partition("=")
    if not equals or not name.strip():
        return None
    attributes = {
        key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in rest)
    }
    path = attributes.get("path", "")
    return Cookie(
        name=name.strip(),
        value=value.strip(),
        folder=path if path.startswith("/") else "",
        is_over=_is_over(attributes.get("max-age", ""), attributes.get("expires", "")),
    )


def _folder(request_path: str) -> str:
    """Where a cookie without a path belongs (RFC 6265 §5.1.4)."""
    path = request_path.partition("?")[0]
    return path[: path.rfind("/")] or "/"


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def _is_over(max_age: str, expires: str) -> bool:
    if max_age.removeprefix("-").isdecimal():
        return max_age.startswith("-") or not max_age.strip("0")
    try:
        return parsedate_to_datetime(expires).year < 1980
    except ValueError:
        return False
