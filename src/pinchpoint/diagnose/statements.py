"""SQL texts that differ in their values only. By patterns: parsing takes 70 times as long."""

from __future__ import annotations

import re
from functools import lru_cache

_LITERALS = re.compile(
    r"'(?:[^']|'')*'"  # text
    r"|%\(\w+\)s|%s|\$\d+|(?<!:):[A-Za-z_]\w*"  # placeholders
    r"|\b\d+(?:\.\d+)?\b"
)
_CASTS = re.compile(r"\?::\w+")
_IN_LIST = re.compile(r"\bIN\s*\(\s*\?(?:\s*,\s*\?)*\s*\)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_COUNTABLE = re.compile(r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|REPLACE)\b", re.IGNORECASE)
_BATCH = re.compile(
    r"\bIN\s*\(\s*\?\s*,"  # two values or more
    r"|=\s*ANY\s*\("
    r"|\bVALUES\s*\([^()]*\)\s*,\s*\("
    r"|\bOFFSET\s+\?",
    re.IGNORECASE,
)
_KEYSET = re.compile(r"[<>]=?\s*\(?\s*\?.*\bORDER\s+BY\b.*\b(?:LIMIT|FETCH)\b", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+([\w.\"]+)", re.IGNORECASE)
_LIMIT = re.compile(r"\b(?:LIMIT|FETCH\s+(?:FIRST|NEXT))\b", re.IGNORECASE)


@lru_cache(maxsize=10_000)
def normalize(statement: str) -> str:
    """One text for all values: literals and placeholders become `?`, IN lists `IN (?)`."""
    return _IN_LIST.sub("IN (?)", _masked(statement))


@lru_cache(maxsize=10_000)
def is_countable(statement: str) -> bool:
    """It reads or writes rows; not BEGIN, COMMIT, SET and the like."""
    return _COUNTABLE.match(statement) is not None


@lru_cache(maxsize=10_000)
def is_batch(statement: str) -> bool:
    """It deals with many rows on purpose: an IN list, an array, or a page of a larger result."""
    masked = _masked(statement)
    return _BATCH.search(masked) is not None or _KEYSET.search(masked) is not None


@lru_cache(maxsize=10_000)
def has_limit(statement: str) -> bool:
    """It asks for the first rows only."""
    return _LIMIT.search(statement) is not None


def subject(statement: str) -> str:
    """Verb and table, such as `SELECT customers`; the whole line if there is no table."""
    table = _TABLE.search(statement)
    verb = statement.split(maxsplit=1)[0].upper()
    return f"{verb} {table[1].replace(chr(34), '')}" if table else shortened(statement)


def shortened(statement: str, width: int = 80) -> str:
    """One line for the reader."""
    line = _SPACE.sub(" ", statement).strip()
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _masked(statement: str) -> str:
    return _SPACE.sub(" ", _CASTS.sub("?", _LITERALS.sub("?", statement))).strip()
