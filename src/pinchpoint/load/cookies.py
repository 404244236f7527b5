"""The cookies of one virtual client that talks to one host."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Jar:
    """Keeps what the host sets, as RFC 6265 says for a single host and scheme.

    Cookies live as long as the client, unless the host takes them back: a lifetime that is
    over when it is set deletes (`Max-Age` of 0 or less, `Expires` before 1980).
    """

    _kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def store(self, set_cookie: str, request_path: str) -> None:
        """Take one `Set-Cookie` header; one without a name is ignored."""
        pair, *rest = set_cookie.split(";")
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            return
        attributes = {
            key.strip().lower(): text.strip()
            for key, _, text in (part.partition("=") for part in rest)
        }
        path = attributes.get("path", "")
        key = (name.strip(), path if path.startswith("/") else _folder(request_path))
        if _is_over(attributes):
            self._kept.pop(key, None)
        else:
            self._kept[key] = value.strip()

    def header(self, request_path: str) -> str:
        """The value of `Cookie`; empty if none fits. Longer paths come first."""
        path = request_path.partition("?")[0]
        fitting = [
            (-len(folder), f"{name}={value}")
            for (name, folder), value in self._kept.items()
            if _is_below(path, folder)
        ]
        return "; ".join(text for _, text in sorted(fitting, key=lambda item: item[0]))

    def value(self, name: str) -> str | None:
        """The value of the cookie with a name, whatever its path."""
        return next((text for (kept, _), text in self._kept.items() if kept == name), None)


def _folder(request_path: str) -> str:
    """Where a cookie without a path belongs (RFC 6265 §5.1.4)."""
    path = request_path.partition("?")[0]
    return path[: path.rfind("/")] or "/"


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def _is_over(attributes: Mapping[str, str]) -> bool:
    age = attributes.get("max-age", "")
    if age.lstrip("-").isdigit():
        return int(age) <= 0
    try:
        return parsedate_to_datetime(attributes["expires"]).year < 1980
    except (KeyError, ValueError):
        return False
