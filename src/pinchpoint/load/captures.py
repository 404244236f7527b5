"""Take values from an answer, for the requests of the same virtual client that follow."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import httptools

from pinchpoint.model.workload import CaptureSource

if TYPE_CHECKING:
    from pinchpoint.load.cookies import Jar
    from pinchpoint.model.workload import Capture


@dataclass(slots=True)
class Answer:
    """Headers and body of one answer.

    Attributes:
        headers: By lower-case name; the last of several.
        body: Without the framing of the transfer.
    """

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def on_header(self, name: bytes, value: bytes) -> None:
        """As httptools wants it."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        """As httptools wants it."""
        self.body += data


def read_answer(raw: bytes) -> Answer:
    """Read an answer that is complete, or cut off where nothing more was kept.

    Where it breaks the rules, what came before is all that there is.
    """
    answer = Answer()
    with suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
        httptools.HttpResponseParser(answer).feed_data(raw)
    return answer


def take(capture: Capture, answer: Answer, jar: Jar) -> str | None:
    """The value as text; None if the answer has no such thing.

    Args:
        capture: What to take.
        answer: The answer.
        jar: The client's cookies, with those of this answer.
    """
    if capture.source is CaptureSource.HEADER:
        return answer.headers.get(capture.expression.lower())
    if capture.source is CaptureSource.COOKIE:
        return jar.value(capture.expression)
    if capture.source is CaptureSource.JSON:
        return _from_json(bytes(answer.body), capture.expression)
    found = _pattern(capture.expression).search(answer.body.decode("utf-8", "replace"))
    return found[1] if found else None


@cache
def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _from_json(body: bytes, pointer: str) -> str | None:
    """The value that an RFC 6901 pointer leads to: numbers and strings only."""
    try:
        value: Any = json.loads(body)
        for token in pointer.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, int | float) else None
