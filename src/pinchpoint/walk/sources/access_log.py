"""An access log, as it is or packed by gzip: what real visitors asked for, how often, and when.

Reads every format that has the request in quotes, as nginx, Apache, gunicorn, uvicorn,
hypercorn, granian, Flask and Django write it, and JSON lines with the usual names. Reads
method, target, status and time of a line and nothing else: who asked is never looked at.
Requests that failed are left out, as are lines that cannot be read; both are counted.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Ask, Traffic
from pinchpoint.walk.document import Document
from pinchpoint.walk.privacy import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_LINES = 2_000_000
"""More would take more than half a minute and tell nothing new of the mix."""
MOST_TARGETS = 200_000
"""Different ones; after that only those that were seen before are counted."""
LOOKED_AT = 50
"""Lines by which a log is recognised."""
RECOGNISED_RATIO = 0.5

_REQUEST = re.compile(
    r'"(?P<method>[A-Z]{3,10}) (?P<target>\S+)(?: (?:HTTP/)?[\d.]+)?"(?:\s+(?P<status>\d{3})\b)?'
)
_CLF_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4})[: ](\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_NAMES = {
    "method": ("method", "request_method", "verb", "http_method"),
    "target": ("request_uri", "uri", "target", "url", "path", "request_path", "http_path"),
    "query": ("query_string", "query", "args"),
    "status": ("status", "status_code", "response_status", "http_status", "code"),
    "time": ("time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "msec", "date"),
}
"""How JSON logs call what is wanted, the most telling name first."""


class Line(NamedTuple):
    """What one line tells; the status is 0 and the time None if it does not tell them."""

    method: str
    target: str
    status: int
    time_s: float | None


def recognises(source: object) -> bool:
    """Whether most of its first lines can be read."""
    if not isinstance(source, Document):
        return False
    # The last line of the head may be cut.
    lines = [line for line in source.head.split("\n")[:LOOKED_AT] if line.strip()]
    read = sum(parse(line) is not None for line in lines)
    return read > 0 and read >= RECOGNISED_RATIO * (len(lines) - 1)


def read_traffic(document: Document) -> Traffic:
    """Count the requests of a log.

    Raises:
        UsageError: It has no request that succeeded.
    """
    tally = _tally(document.lines())
    asks = tally.asks()
    if not asks:
        raise UsageError(f"{document.name}: no request in it succeeded; {tally.lines} lines read")
    first_s = min(tally.times_s, default=0.0)
    return Traffic(
        source=document.name,
        asks=dict(asks),
        starts_s=tuple(sorted(time_s - first_s for time_s in tally.times_s)),
        notes=tuple(f"{document.name}: {note}" for note in _notes(tally, asks.total())),
    )


def parse(line: str) -> Line | None:
    """What a line tells, whatever its format; None if there is no request in it."""
    return _from_json(line) if line.lstrip().startswith("{") else _from_text(line)


@dataclass(slots=True)
class _Tally:
    """What was counted so far; targets are as they stand in the log, and go no further."""

    lines: int = 0
    broken: int = 0
    failed: int = 0
    crowded: int = 0
    is_cut: bool = False
    recorded: Counter[tuple[str, str]] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)

    def asks(self) -> Counter[Ask]:
        """The requests without secrets; some that differed are the same then."""
        asks: Counter[Ask] = Counter()
        for (method, target), count in self.recorded.items():
            if cleaned := clean(target):
                asks[Ask(method, cleaned)] += count
        return asks


def _tally(lines: Iterable[str]) -> _Tally:
    tally = _Tally()
    for line in lines:
        if tally.lines == MOST_LINES:
            tally.is_cut = True
            break
        if line.strip():
            tally.lines += 1
            _count(tally, parse(line))
    return tally


def _count(tally: _Tally, line: Line | None) -> None:
    if line is None:
        tally.broken += 1
        return
    if line.status >= 400:
        tally.failed += 1
        return
    if line.time_s is not None:
        tally.times_s.append(line.time_s)
    request = line.method, line.target
    if len(tally.recorded) < MOST_TARGETS or request in tally.recorded:
        tally.recorded[request] += 1
    else:
        tally.crowded += 1


def _notes(tally: _Tally, asked: int) -> list[str]:
    broken = tally.broken + tally.recorded.total() - asked
    noted = (
        (broken, f"{broken} of {tally.lines} lines have no request that can be read"),
        (tally.failed, f"{tally.failed} requests that failed (status 400 and up) are left out"),
        (tally.crowded, f"{tally.crowded} requests beyond {MOST_TARGETS} targets are left out"),
        (tally.is_cut, f"only the first {MOST_LINES} lines were read"),
    )
    return [note for count, note in noted if count]


def _from_text(line: str) -> Line | None:
    # nginx and Apache escape quotes inside of a field, so the first request is the request.
    found = _REQUEST.search(line)
    if found is None:
        return None
    status = int(found["status"] or 0)
    return Line(found["method"], found["target"], status, _time_s(line[: found.start()]))


def _from_json(line: str) -> Line | None:
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        return None
    fields = _flat(tree) if isinstance(tree, dict) else {}
    method, target = (str(_first(fields, _NAMES[name]) or "") for name in ("method", "target"))
    if isinstance(request := fields.get("request"), str):
        words = request.strip('"').split()
        method, target = words[:2] if len(words) >= 2 else (method, target)
    if not target or not re.fullmatch("[A-Z]{3,10}", method):
        return None
    query = str(_first(fields, _NAMES["query"]) or "")
    if query and "?" not in target:
        target += "?" + query.lstrip("?")
    status = str(_first(fields, _NAMES["status"]) or "")
    is_number = status.isascii() and status.isdigit()
    moments_s = (_moment_s(fields[name]) for name in _NAMES["time"] if name in fields)
    time_s = next((moment_s for moment_s in moments_s if moment_s is not None), None)
    return Line(method, target, int(status[:3]) if is_number else 0, time_s)


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, and those of objects in them: Caddy's request is one."""
    fields: dict[str, Any] = {}
    for value in tree.values():
        if isinstance(value, dict):
            fields |= {key: inner for key, inner in value.items() if key not in fields}
    return fields | {name: value for name, value in tree.items() if not isinstance(value, dict)}


def _first(fields: Mapping[str, Any], names: Sequence[str]) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _moment_s(value: object) -> float | None:
    """Seconds since the epoch, from any usual spelling; None for what is no moment."""
    try:
        number = float(str(value))
    except ValueError:
        return _time_s(str(value))
    # Seconds or milliseconds; a smaller number is a duration.
    return next((number / unit for unit in (1, 1000) if 1e8 < number / unit < 1e10), None)


def _time_s(text: str) -> float | None:
    with contextlib.suppress(ValueError, OverflowError):
        if found := _CLF_TIME.search(text):
            return _clf_s(*found.groups())
        if found := _ISO_TIME.search(text):
            moment = datetime.fromisoformat(found[0].replace(",", "."))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


@lru_cache(maxsize=64)
def _clf_s(*parts: str) -> float:  # day, month, year, hour, minute, second, zone
    day, month, year, hour, minute, second, zone = parts
    number = _MONTHS.index(month) // 3 + 1
    moment = datetime(
        int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC
    ).timestamp()
    offset_s = (int(zone[1:3]) * 60 + int(zone[3:])) * 60 if zone else 0
    return moment + offset_s if zone and zone.startswith("-") else moment - offset_s
