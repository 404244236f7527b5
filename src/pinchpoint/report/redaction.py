"""Keep secrets out of everything that is written."""

from __future__ import annotations

import re
from typing import Any, cast

from pinchpoint.model.report import Report
from pinchpoint.report.codec import codec

MASK = "***"

_NAME = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key|credential"
    r"|authorization|cookie|session[_-]?id|dsn"
)
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)

_VALUE = (
    # quoted, or bare, but neither a comparison nor a placeholder
    r"(?:\"[^\"]*\"|'[^']*'|(?![=$%?:*\[({])[^\s,;&)}\]]+)"
)
_KNOWN_TOKENS = (
    r"eyJ[\w-]{8,}\.[\w.-]+",  # JSON Web Token
    r"gh[pousr]_\w{16,}",  # GitHub
    r"sk[-_][\w-]{16,}",  # Stripe and others
    r"AKIA[0-9A-Z]{12,}",  # AWS
    r"xox[abps]-[\w-]{8,}",  # Slack
)
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # user:password@ of a URL; a port and a path in front of an @ are none
        (r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):(?!\d+/)[^\s'\"]*@", rf"\1:{MASK}@"),
        # the whole of a header, whatever its scheme
        (r"(\b(?:authorization|(?:set-)?cookie)[\"']?\s*[=:]\s*[\"']?)[^\r\n\"']+", rf"\1{MASK}"),
        (rf"(?<![/\w.-])([\w.-]*(?:{_NAME})[\w.-]*[\"']?\s*[=:]\s*){_VALUE}", rf"\g<1>{MASK}"),
        (r"\b(bearer|basic)\s+(?=\S*\d)[\w.~+/=-]{8,}", rf"\1 {MASK}"),
        (rf"\b(?:{'|'.join(_KNOWN_TOKENS)})", MASK),
    )
)


def redact(text: str) -> str:
    """Mask passwords in URLs, values of names such as `API_KEY`, and well-known tokens.

    A net under the rule that secrets are not collected in the first place: it masks too
    much rather than too little, and leaves the placeholders of statements alone.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redacted(report: Report) -> Report:
    """The same report with every text redacted."""
    form = codec(Report)
    return cast("Report", form.decode(redact_tree(form.encode(report))))


def redact_tree(value: Any) -> Any:
    """Redact every text of a JSON tree; what stands under a secret's name goes whole."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _redact_member(name, item) for name, item in value.items()}
    if isinstance(value, list) and not _is_numbers(value):
        return _redact_list(value)
    return value


def _redact_member(name: str, item: Any) -> Any:
    return MASK if isinstance(item, str) and _SECRET_NAME.search(name) else redact_tree(item)


def _is_numbers(values: list[Any]) -> bool:
    return bool(values) and isinstance(values[0], int | float)


def _redact_list(values: list[Any]) -> list[Any]:
    match values:
        case [str(name), str()] if _SECRET_NAME.search(name) and re.fullmatch(r"[\w-]+", name):
            return [name, MASK]  # a request header
        case _:
            return [redact_tree(value) for value in values]
