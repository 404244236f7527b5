"""A file that describes traffic: what it is shows in its first bytes, not in its name."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from pinchpoint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

HEAD_BYTES = 65_536
MOST_BYTES = 200_000_000
"""Of a document that must be read as a whole; a recorded visit seldom has a tenth of it."""
LINE_BYTES = 100_000
"""A longer line is read in pieces, none of which will be understood."""
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Text of an unknown kind, packed or not.

    Attributes:
        name: For messages and reports.
        head: Its beginning, to recognise it by.
        open: Opens it, unpacked, at the start.
    """

    name: str
    head: str
    open: Callable[[], IO[bytes]]

    def lines(self) -> Iterator[str]:
        """Line by line, without the ends; bytes that are no UTF-8 are replaced.

        Raises:
            UsageError: It breaks off or cannot be unpacked.
        """
        with _explained(self.name), self.open() as stream:
            while line := stream.readline(LINE_BYTES):
                yield line.decode("utf-8", "replace").rstrip("\r\n")

    def text(self) -> str:
        """All of it.

        Raises:
            UsageError: It is too long, no UTF-8, breaks off or cannot be unpacked.
        """
        with _explained(self.name), self.open() as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"{self.name} is longer than {MOST_BYTES // 1_000_000} MB")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"{self.name} is no UTF-8: byte {error.start + 1}") from error


def document_of(file: Path) -> Document:
    """A file on disk, unpacked if it is gzip's.

    Raises:
        UsageError: It cannot be read.
    """

    def unpacked() -> IO[bytes]:
        with file.open("rb") as stream:
            is_packed = stream.read(len(GZIP)) == GZIP
        return cast("IO[bytes]", gzip.open(file)) if is_packed else file.open("rb")

    return _document(str(file), unpacked)


def document_in(name: str, body: bytes) -> Document:
    """What an application answered."""
    return _document(name, lambda: io.BytesIO(body))


def _document(name: str, opener: Callable[[], IO[bytes]]) -> Document:
    with _explained(name), opener() as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    return Document(name=name, head=head, open=opener)


@contextmanager
def _explained(name: str) -> Generator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{name} cannot be unpacked: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from error
