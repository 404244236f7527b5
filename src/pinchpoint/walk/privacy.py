"""Take out of a recorded request what identifies a person or lets somebody in."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

STAND_IN = "redacted"
"""For a part of a path: the route stays recognisable, the value does not."""
MOST_CHARACTERS = 2000
"""Of a target; servers refuse much longer ones."""

_PERSONAL = (
    "apikey auth authorization code cookie credential credentials csrf email hash jwt key login"
    " mail mobile nonce otp passcode passphrase passwd password phone pin pwd secret session"
    " sessionid sid sig signature ssn state tel ticket token user username"
)
_PERSONAL_WORDS = frozenset(_PERSONAL.split())
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_IDENTIFIER = re.compile(
    r"[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
"""Keys of documents and UUIDs: long, but no secrets."""
_OPAQUE = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{20,}|^eyJ|@")
_PLAIN = re.compile(r"(?:/[A-Za-z0-9._~-]{0,19})+")
"""What has nothing in it that could be a secret, which is most."""
_SAFE = "/%?&=+,;:@!$'()*~"
"""What stays as it is in a request line; the rest, such as a line break, is quoted."""


def clean(target: str) -> str:
    """A request target without secrets: their query parameters go, their path segments are masked.

    Args:
        target: Path with query, or a whole URL, as it was recorded.

    Returns:
        A target that starts with a slash; empty if there is none in it.
    """
    if _PLAIN.fullmatch(target):
        return target
    try:
        parts = urlsplit(target[:MOST_CHARACTERS])
    except ValueError:  # such as an unfinished IPv6 address
        return ""
    if not parts.path.startswith("/"):
        return "/" if parts.netloc and not parts.path else ""
    path = "/".join(STAND_IN if _is_secret(part) else part for part in parts.path.split("/"))
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _is_personal(name, value)]
    return quote(path, safe=_SAFE) + (f"?{urlencode(kept)}" if kept else "")


def _is_personal(name: str, value: str) -> bool:
    """Whether a parameter is a secret or names a person, by its name or by its look."""
    return _is_personal_name(name) or _is_secret(value)


@lru_cache(maxsize=1000)
def _is_personal_name(name: str) -> bool:
    words = {word.lower() for word in _WORD.findall(name)}
    return bool(words & _PERSONAL_WORDS) or name.lower() in _PERSONAL_WORDS


def _is_secret(text: str) -> bool:
    text = unquote(text)
    return not _IDENTIFIER.fullmatch(text) and bool(_OPAQUE.search(text))
