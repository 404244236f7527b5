"""Read what the probe wrote: all records of a folder, oldest first, with their texts."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record; `name` and `site` are texts, `category` is a name."""

    pid: int
    kind: int
    category: str
    flags: int
    thread: int
    trace: int
    start_ns: int
    end_ns: int
    span: int
    parent: int
    name: str
    site: str
    rows: int
    extra: int

    @property
    def line(self) -> str:
        """`file name:line:function` of the site, without its folder."""
        return self.site.rpartition("/")[2]

    @property
    def function(self) -> str:
        return self.site.rpartition(":")[2]


def read_records(folder: Path) -> list[Record]:
    return [record for ring in sorted(folder.glob("*.ring")) for record in _read_ring(ring)]


def requests(folder: Path) -> list[Record]:
    return [record for record in read_records(folder) if record.kind == wire.REQUEST]


def spans(folder: Path, category: str = "") -> list[Record]:
    found = [record for record in read_records(folder) if record.kind == wire.SPAN]
    return [record for record in found if category in {"", record.category}]


def _read_ring(ring: Path) -> Iterator[Record]:
    data = _map(ring)
    magic, pid, capacity, size = wire.HEADER.unpack_from(data)
    assert (magic, size) == (wire.MAGIC, wire.RECORD.size)
    rows = []
    for slot in range(capacity):
        fields = wire.RECORD.unpack_from(data, wire.HEADER_BYTES + slot * size)
        if fields[-1] == 0:
            break
        rows.append(fields[:-1])
    # After the records: what they name was written before them.
    texts = read_texts(ring.with_suffix(".strings"))
    for kind, category, flags, thread, trace, start, end, span, parent, name, site, *rest in rows:
        yield Record(
            pid=pid,
            kind=kind,
            category=wire.CATEGORIES[category],
            flags=flags,
            thread=thread,
            trace=trace,
            start_ns=start,
            end_ns=end,
            span=span,
            parent=parent,
            name=texts[name],
            site=texts[site],
            rows=rest[0],
            extra=rest[1],
        )


def read_texts(file: Path) -> list[str]:
    """All texts by id; id 0 is the empty one."""
    data = _map(file)
    used = int.from_bytes(data[:8], "little")
    texts, at = [""], wire.HEADER_BYTES
    while at < wire.HEADER_BYTES + used:
        length = int.from_bytes(data[at : at + 4], "little")
        texts.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return texts


def _map(file: Path) -> mmap.mmap:
    with file.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
