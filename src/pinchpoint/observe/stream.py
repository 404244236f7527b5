"""Read what the probe's workers wrote, and decode it into traces and holds.

The only place where wire values become model types.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint.model.span import Category, Hold, Span, Trace
from pinchpoint_probe import wire

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Sequence
    from pathlib import Path

CATEGORIES = tuple(Category(name) for name in wire.CATEGORIES)
OpenSpans = dict[int, dict[int, list[Span]]]
"""By worker and trace."""
READ_EVERY_S = 0.2
"""A worker writes at most some 10^5 records/s and its ring holds 131,072."""

_KIND, _CATEGORY, _FLAGS, _THREAD, _TRACE, _START, _END, _SPAN, _PARENT = range(9)
_NAME, _SITE, _ROWS, _EXTRA, _SEQUENCE = range(9, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Decoded records of all workers.

    Attributes:
        traces: Requests with their spans, by the time of their end.
        holds: Who held what.
        lost: Records that were overwritten before they were read.
        pids: The workers that wrote.
    """

    traces: tuple[Trace, ...] = ()
    holds: tuple[Hold, ...] = ()
    lost: int = 0
    pids: tuple[int, ...] = ()


class Reader:
    """Reads the rings of one probe folder; new workers are noticed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rings: dict[int, _Ring] = {}
        self._open: OpenSpans = {}

    def close(self) -> None:
        """Let go of the workers' files."""
        for ring in self._rings.values():
            ring.close()
        self._rings.clear()

    def skip(self) -> None:
        """Forget what has been written so far."""
        for ring in self._known_rings():
            ring.read()
        self._open.clear()

    def collect(self, *, until: threading.Event | None = None) -> Records:
        """Read what was written since the last call.

        Args:
            until: Keep reading (in this thread) until it is set, then once more.
        """
        chunks: dict[int, list[bytes]] = defaultdict(list)
        lost = 0
        is_last = until is None
        while True:
            for ring in self._known_rings():
                data, missed = ring.read()
                lost += missed
                if data:
                    chunks[ring.pid].append(data)
            if is_last:
                break
            is_last = until is None or until.wait(READ_EVERY_S)
        return decode(
            {pid: (b"".join(parts), self._rings[pid].texts()) for pid, parts in chunks.items()},
            lost,
            self._open,
        )

    def _known_rings(self) -> Iterable[_Ring]:
        for path in self._folder.glob("*.ring"):
            pid = int(path.stem)
            if pid not in self._rings and path.stat().st_size > wire.HEADER_BYTES:
                self._rings[pid] = _Ring(path)
        return self._rings.values()


class _Ring:
    """One worker's ring and texts; plain file reads see what the worker mapped."""

    def __init__(self, path: Path) -> None:
        self.pid = int(path.stem)
        self._file = path.open("rb", buffering=0)
        self._strings = path.with_suffix(".strings")
        self._next = 0
        self._size = wire.RECORD.size

    def read(self) -> tuple[bytes, int]:
        """All complete records since the last read, and how many were lost before them."""
        parts: list[bytes] = []
        lost = 0
        while True:
            slot = self._next % wire.RING_CAPACITY
            self._file.seek(wire.HEADER_BYTES + slot * self._size)
            block = self._file.read(min(4096, wire.RING_CAPACITY - slot) * self._size)
            wanted = self._next + 1
            count = 0
            for record in wire.RECORD.iter_unpack(block):
                if record[_SEQUENCE] != wanted + count:
                    break
                count += 1
            if count:
                parts.append(block[: count * self._size])
                self._next += count
                continue
            newest = max(
                (record[_SEQUENCE] for record in wire.RECORD.iter_unpack(block)), default=0
            )
            oldest = newest - wire.RING_CAPACITY
            if oldest < wanted:
                return b"".join(parts), lost
            lost += oldest - self._next
            self._next = oldest

    def close(self) -> None:
        self._file.close()

    def texts(self) -> tuple[str, ...]:
        """The table of texts; id 0 is the empty text."""
        data = self._strings.read_bytes()
        used = int.from_bytes(data[:8], "little")
        texts = [""]
        at = wire.HEADER_BYTES
        while at < wire.HEADER_BYTES + used:
            length = int.from_bytes(data[at : at + 4], "little")
            texts.append(data[at + 4 : at + 4 + length].decode("utf-8", "replace"))
            at += 4 + length
        return tuple(texts)


def decode(
    chunks: dict[int, tuple[bytes, Sequence[str]]],
    lost: int = 0,
    open_spans: OpenSpans | None = None,
) -> Records:
    """Decode the raw records of each worker.

    Args:
        chunks: By pid: consecutive records, and the worker's texts.
        lost: Passed on.
        open_spans: Spans of requests that had not ended when they were read; those of requests
            that end here are taken out, and those of requests that do not are put in.
    """
    traces: list[Trace] = []
    holds: list[Hold] = []
    waiting = open_spans if open_spans is not None else {}
    for pid, (data, texts) in chunks.items():
        spans = waiting.setdefault(pid, defaultdict(list))
        requests: list[tuple[int, ...]] = []
        for record in wire.RECORD.iter_unpack(data):
            kind = record[_KIND]
            if kind == wire.SPAN:
                spans[record[_TRACE]].append(_span(record, texts))
            elif kind == wire.REQUEST:
                requests.append(record)
            elif kind == wire.HOLD:
                holds.append(_hold(record, texts, pid))
        traces += [_trace(record, texts, pid, spans.pop(record[_TRACE], [])) for record in requests]
    traces.sort(key=lambda trace: trace.end_ns)
    return Records(traces=tuple(traces), holds=tuple(holds), lost=lost, pids=tuple(chunks))


def _span(record: tuple[int, ...], texts: Sequence[str]) -> Span:
    flags = record[_FLAGS]
    return Span(
        record[_SPAN],
        record[_PARENT],
        CATEGORIES[record[_CATEGORY]],
        _text(texts, record[_NAME]),
        _text(texts, record[_SITE]),
        record[_START],
        record[_END],
        record[_THREAD],
        record[_ROWS],
        bool(flags & wire.BLOCKED_LOOP),
        bool(flags & wire.REFUSED),
        bool(flags & wire.FAILED),
        bool(flags & wire.CONTINUED),
    )


def _trace(record: tuple[int, ...], texts: Sequence[str], pid: int, spans: Sequence[Span]) -> Trace:
    return Trace(
        trace_id=record[_TRACE],
        endpoint=_text(texts, record[_NAME]),
        pid=pid,
        thread_id=record[_THREAD],
        intended_ns=record[_PARENT] << 32 | record[_SPAN],
        start_ns=record[_START],
        end_ns=record[_END],
        cpu_ns=record[_ROWS] * 1000,
        status=record[_EXTRA],
        spans=tuple(spans),
    )


def _hold(record: tuple[int, ...], texts: Sequence[str], pid: int) -> Hold:
    return Hold(
        resource=_text(texts, record[_NAME]),
        trace_id=record[_TRACE],
        pid=pid,
        start_ns=record[_START],
        end_ns=record[_END],
        site=_text(texts, record[_SITE]),
    )


def _text(texts: Sequence[str], number: int) -> str:
    return texts[number] if number < len(texts) else ""
