"""Write records and texts into this process's mapped files: never block, never grow."""

import itertools
import mmap
import os
from _thread import allocate_lock, get_native_id

from pinchpoint_probe import quiet, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_TEXTS = 20_000
"""Distinct texts of one process; an application that writes literals into its SQL gets here."""
_inherited: "list[mmap.mmap | None]" = []
"""What a fork's child does not write to. To let go of a map closes a descriptor of it, whose number
may be the application's by now if it has closed all descriptors, as daemons do."""


class Sink:
    """The two files of one process; opened by the first write, so that idle processes have none.

    After a fork the child gets files of its own (`reset`).
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory or os.devnull  # which has no files in it
        self._ring: mmap.mmap | None = None
        self._texts: mmap.mmap | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the files; the next write opens new ones. For a fork's child."""
        _inherited.extend((self._ring, self._texts))
        self.pid = os.getpid()
        self._lock = allocate_lock()
        self._ring = self._texts = None
        self._numbers: Iterator[int] = itertools.count()
        self._ids: dict[str, int] = {}
        self._used = 0

    def write(  # noqa: PLR0913, PLR0917  # the fields of a record, on the hottest path there is
        self,
        kind: int,
        category: int,
        flags: int,
        trace: int,
        start_ns: int,
        end_ns: int,
        span: int,
        parent: int,
        name: int,
        site: int,
        rows: int,
        extra: int,
    ) -> None:
        """Write one record; overwrites the oldest where the reader is too slow."""
        ring = self._ring or self._open()
        number = next(self._numbers)
        wire.RECORD.pack_into(
            ring,
            wire.HEADER_BYTES + number % wire.RING_CAPACITY * wire.RECORD.size,
            kind,
            category,
            flags,
            get_native_id(),
            trace,
            start_ns,
            end_ns,
            span,
            parent,
            name,
            site,
            rows,
            extra,
            number + 1,
        )

    def text(self, text: str) -> int:
        """The id of a text; 0 if the table is full."""
        return self._ids.get(text) or self._add_text(text)

    def _add_text(self, text: str) -> int:
        data = text.encode("utf-8", "replace")[: wire.LONGEST_TEXT_BYTES]
        with self._lock:
            if text in self._ids:
                return self._ids[text]
            if self._ring is None:
                self._open_files()
            end = self._used + 4 + len(data)
            full = len(self._ids) >= _MOST_TEXTS or wire.HEADER_BYTES + end > wire.STRINGS_BYTES
            if not text or full or self._texts is None:
                return 0
            at = wire.HEADER_BYTES + self._used
            self._texts[at : at + 4] = len(data).to_bytes(4, "little")
            self._texts[at + 4 : at + 4 + len(data)] = data
            self._texts[:8] = end.to_bytes(8, "little")
            self._used = end
            self._ids[text] = len(self._ids) + 1
            return self._ids[text]

    def _open(self) -> mmap.mmap:
        with self._lock:
            if self._ring is None:
                self._open_files()
            assert self._ring is not None  # noqa: S101  # for the type checker
            return self._ring

    def _open_files(self) -> None:
        base = f"{self._directory}/{self.pid}"
        ring = _map(f"{base}.ring", wire.RING_BYTES)
        wire.HEADER.pack_into(ring, 0, wire.MAGIC, self.pid, wire.RING_CAPACITY, wire.RECORD.size)
        self._texts = _map(f"{base}.strings", wire.STRINGS_BYTES)
        self._ring = ring


def _map(path: str, size: int) -> mmap.mmap:
    """Map a new file; where there can be none, memory that nobody reads: the app runs on."""
    try:
        return _map_file(path, size)
    except OSError as error:
        quiet.note("records are lost", error)
        return mmap.mmap(-1, size)


def _map_file(path: str, size: int) -> mmap.mmap:
    # A file that is there already belongs to the main interpreter, and this is another one.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, size)
        if hasattr(os, "posix_fallocate"):  # a page that a full disk cannot back is a SIGBUS
            os.posix_fallocate(descriptor, 0, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
