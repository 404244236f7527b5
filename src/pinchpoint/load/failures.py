"""Why answers were errors, in words."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinchpoint.model.sample import Sample

_MEANINGS = {
    "401": "the session or the token that is sent does not last",
    "403": "the application, or a filter before it, forbids it",
    "429": "a rate limiter; switch it off for the run",
    "500": "the application fails; its log says why",
    "502": "the server before the application lost it",
    "503": "the server refuses what it has no place for",
    "504": "the server before the application gave up waiting",
    "timeout": "no answer came in time",
    "refused": "nothing accepts connections any more",
    "reset": "connections were cut",
    "closed": "connections were closed without an answer",
}


def describe_errors(samples: Iterable[Sample]) -> str:
    """Name the commonest failure: `429 Too Many Requests in 93 % of the answers: ...`.

    Returns:
        Empty if nothing failed.
    """
    seen = list(samples)
    failed = Counter(sample.error or str(sample.status) for sample in seen if not sample.is_ok)
    if not failed:
        return ""
    ((kind, count),) = failed.most_common(1)
    name = f"{kind} {HTTPStatus(int(kind)).phrase}" if _is_known(kind) else kind
    meaning = f": {_MEANINGS[kind]}" if kind in _MEANINGS else ""
    return f"{name} in {count / len(seen):.0%} of the answers{meaning}"


def _is_known(kind: str) -> bool:
    return kind.isdigit() and int(kind) in HTTPStatus._value2member_map_
