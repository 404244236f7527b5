"""Logs as the usual servers write them: two requests, a second apart, and what surrounds them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Ask
from pinchpoint.walk import document_in, document_of
from pinchpoint.walk.sources import access_log

if TYPE_CHECKING:
    from pinchpoint.model.traffic import Traffic

LOGS = Path(__file__).parent / "logs"
FORMATS = sorted(file.name for file in LOGS.iterdir() if file.name != "nginx_combined.log")
UNTIMED = {"uvicorn.log"}
SECRETS = ("192.0.2.", "alice", "abc123", "s3cret", "Firefox", "curl", "shop.example")
BOOKS = Ask("GET", "/books")


def _read(text: str) -> Traffic:
    return access_log.read_traffic(document_in("access.log", text.encode()))


@pytest.mark.parametrize("name", FORMATS)
def test_reads_what_the_usual_servers_write(name: str) -> None:
    document = document_of(LOGS / name)
    assert access_log.recognises(document)
    found = access_log.read_traffic(document)
    assert found.asks == {BOOKS: 1, Ask("GET", "/books/7"): 1}
    assert found.starts_s == (() if name in UNTIMED else (0.0, 1.0))


def test_counts_what_succeeded_and_notes_the_rest() -> None:
    found = access_log.read_traffic(document_of(LOGS / "nginx_combined.log"))
    assert found.asks == {
        BOOKS: 1,
        Ask("GET", "/books/7?tab=reviews"): 1,
        Ask("GET", "/books/7"): 1,
        Ask("POST", "/orders"): 1,
    }
    assert [note.partition("log: ")[2] for note in found.notes] == [
        "1 of 6 lines have no request that can be read",
        "1 requests that failed (status 400 and up) are left out",
    ]


@pytest.mark.parametrize("file", sorted(LOGS.iterdir()), ids=lambda file: file.name)
def test_keeps_nothing_of_who_asked(file: Path) -> None:
    found = access_log.read_traffic(document_of(file))
    kept = str((found.asks, found.notes)).replace(str(LOGS), "")
    assert [secret for secret in SECRETS if secret in kept] == []


def test_a_packed_log_is_read_whatever_its_name(tmp_path: Path) -> None:
    packed = tmp_path / "log.txt"
    packed.write_bytes(gzip.compress((LOGS / "gunicorn.log").read_bytes()))
    assert access_log.read_traffic(document_of(packed)).asks[BOOKS] == 1


def test_a_packed_log_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    packed = tmp_path / "log.gz"
    lines = "".join(f'- - "GET /books/{number} HTTP/1.1" 200 1\n' for number in range(9000))
    packed.write_bytes(gzip.compress(lines.encode())[:-100])
    with pytest.raises(UsageError, match="cannot be unpacked"):
        access_log.read_traffic(document_of(packed))


@pytest.mark.parametrize(
    ("time", "offset_s"),
    [
        ("24/Nov/2026:09:15:00 +0100", 0),
        ("24/Nov/2026:03:45:00 -0430", 0),
        ("2026-11-24T08:15:00Z", 0),
        ("2026-11-24 08:15:00,250", 0.25),
    ],
)
def test_zones_count(time: str, offset_s: float) -> None:
    base = '[24/Nov/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 1'
    found = _read(f'{base}\n[{time}] "GET /b HTTP/1.1" 200 1\n')
    assert found.starts_s == (0.0, pytest.approx(900 + offset_s))


def test_a_log_of_failures_is_no_traffic() -> None:
    with pytest.raises(UsageError, match="no request in it succeeded; 1 lines read"):
        _read('- - [24/Nov/2026:09:15:00 +0100] "GET /books HTTP/1.1" 500 1\n')


def test_a_line_break_in_a_json_field_reaches_no_request_line() -> None:
    line = json.dumps({"method": "GET", "uri": "/a\r\nHost: evil", "status": 200})
    (ask,) = _read(line).asks
    assert ask.target == "/aHost:%20evil"


@pytest.mark.parametrize("text", ["", "\n\n", "hello\nworld\n", '{"openapi": "3.1.0"}', "{}", "\0"])
def test_other_files_are_no_logs(text: str) -> None:
    assert not access_log.recognises(document_in("file", text.encode()))


@given(st.text() | st.from_regex(r'[0-9.]+ - - \[.*\] ".*" [0-9]{3} .*'))
def test_no_line_is_too_odd(line: str) -> None:
    found = access_log.parse(line)
    assert found is None or found.method.isupper()


_KEYS = ["request", "method", "uri", "status", "time", "ts", "query_string", "x"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_KEYS), inner),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(_KEYS), _JSON))
def test_no_json_line_is_too_odd(fields: dict[str, object]) -> None:
    found = access_log.parse(json.dumps(fields))
    assert found is None or found.status in range(1000)


@given(st.binary(max_size=300))
def test_any_bytes_are_counted_as_lines(data: bytes) -> None:
    tally = access_log._tally(document_in("x", data).lines())
    assert tally.lines == tally.broken + tally.failed + tally.recorded.total()
