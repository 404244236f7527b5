"""A visit that a browser recorded (HTTP Archive, HAR 1.2).

Tells what one visitor asked for. Only requests to the host of the first one are kept, and of
each only method, path and query without secrets: headers, cookies and bodies are never looked
at. The pauses are not kept either: a wall is searched in steps that are shorter than a visit,
and would see its first requests only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Ask, Traffic
from pinchpoint.walk.document import Document
from pinchpoint.walk.privacy import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = re.compile(r"\s*\{\s*\"log\"\s*:")


class _Entry(NamedTuple):
    host: str
    ask: Ask
    status: int


def recognises(source: object) -> bool:
    """Whether it begins as an archive does."""
    return isinstance(source, Document) and bool(_HEAD.match(source.head))


def read_traffic(document: Document) -> Traffic:
    """Read what the visitor asked one host for.

    Raises:
        UsageError: It is no archive, or has no request that succeeded.
    """
    listed = _listed(document)
    entries = [entry for one in listed if (entry := _entry(one))]
    own = [entry for entry in entries if entry.host == entries[0].host]
    kept = [one for one in own if 100 <= one.status < 400]
    if not kept:
        raise UsageError(f"{document.name}: no request in it succeeded; {len(listed)} entries read")
    noted = (
        (len(listed) - len(entries), "entries cannot be read"),
        (len(entries) - len(own), f"requests to other hosts than {entries[0].host} are left out"),
        (len(own) - len(kept), "requests that failed are left out"),
    )
    return Traffic(
        source=document.name,
        asks=dict(Counter(entry.ask for entry in kept)),
        notes=tuple(f"{document.name}: {count} {note}" for count, note in noted if count),
    )


def _listed(document: Document) -> Sequence[Any]:
    try:
        entries = json.loads(document.text())["log"]["entries"]
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{document.name}: no JSON: {error.msg} at {place}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{document.name}: there are no log.entries in it") from error
    if not isinstance(entries, list):
        raise UsageError(f"{document.name}: log.entries is no list")
    return entries


def _entry(tree: Any) -> _Entry | None:
    try:
        request = tree["request"]
        place = urlsplit(request["url"])
        method, target = str(request["method"]), clean(request["url"])
        status = int(tree["response"]["status"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    if place.scheme not in {"http", "https"} or not target:
        return None
    return _Entry(place.netloc, Ask(method, target), status)
