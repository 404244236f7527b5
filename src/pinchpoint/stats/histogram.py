"""A histogram of times that merges exactly, whoever recorded which part.

Its buckets are log-linear: each power of two is divided into SUBBUCKETS of equal width. The
bucket of a value is the upper part of its IEEE 754 double, exponent and first bits of the
mantissa, so that values are sorted into buckets in bulk, without arithmetic of our own.

A value is represented by the middle of its bucket, which is at most 1/SUBBUCKETS of its lower
end wide: the relative error is at most 1/(2 * SUBBUCKETS), 0.049 %. All that a histogram says
is a function of its counts, so that the order of merges makes no difference to any figure.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from bisect import bisect
from collections import Counter
from itertools import accumulate, pairwise, repeat
from operator import rshift
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SUBBUCKETS = 1 << 10
MANTISSA_BITS = 52
"""Of a double, after its exponent."""
LARGEST = (1 << 63) - 1
"""Of a value; in nanoseconds, 292 years."""

_SHIFT = MANTISSA_BITS - SUBBUCKETS.bit_length() + 1
_BUCKETS = ((1023 + 63) << (SUBBUCKETS.bit_length() - 1)) + 1
"""One more than the bucket of LARGEST, whose double is 2 to the 63rd."""
_SIZE = struct.Struct("<I")
_ENTRY_BYTES = struct.calcsize("<IQ")
_MOST_ENTRIES = 64 * SUBBUCKETS


class Histogram:
    """Counts of numbers from 0 up to LARGEST, such as nanoseconds.

    Args:
        values: The first ones to count.
    """

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts: Counter[int] = Counter()
        self.extend(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # it changes

    def extend(self, values: Iterable[float]) -> None:
        """Count more values: the more at once, the cheaper is each.

        Raises:
            ValueError: One is below 0, above LARGEST, or no number.
        """
        doubles = array("d", values)
        buckets = Counter(map(rshift, array("q", doubles.tobytes()), repeat(_SHIFT)))
        if buckets and not 0 <= min(buckets) <= max(buckets) < _BUCKETS:
            raise ValueError(f"a histogram counts from 0 to {LARGEST}")
        self._counts.update(buckets)

    def merge(self, other: Histogram) -> None:
        """Add what another one has counted."""
        self._counts.update(other._counts)

    @property
    def count(self) -> int:
        """How many values."""
        return self._counts.total()

    @property
    def mean(self) -> float:
        """Of all values; 0 if there are none."""
        total = sum(_middle(bucket) * count for bucket, count in sorted(self._counts.items()))
        return total / (self.count or 1)

    def quantile(self, share: float) -> float:
        """The value below which a share lies, interpolated as `quantiles.quantile` does.

        Raises:
            ValueError: There are no values.
        """
        if not self._counts:
            raise ValueError("a quantile needs at least one value")
        buckets = sorted(self._counts)
        ends = list(accumulate(self._counts[bucket] for bucket in buckets))
        position = share * (ends[-1] - 1)
        below = int(position)
        above = min(below + 1, ends[-1] - 1)
        low, high = (_middle(buckets[bisect(ends, rank)]) for rank in (below, above))
        return low + (position - below) * (high - low)

    def to_bytes(self) -> bytes:
        """All that it says, for another machine: some kB."""
        buckets = sorted(self._counts)
        steps = [bucket - before for before, bucket in pairwise([0, *buckets])]
        counts = [self._counts[bucket] for bucket in buckets]
        size = len(buckets)
        return zlib.compress(struct.pack(f"<I{size}I{size}Q", size, *steps, *counts))

    @classmethod
    def from_bytes(cls, data: bytes) -> Histogram:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: Something else wrote it.
        """
        histogram = cls()
        try:
            # A bound, so that a few bytes from a stranger cannot fill the memory.
            raw = zlib.decompressobj().decompress(data, _SIZE.size + _ENTRY_BYTES * _MOST_ENTRIES)
            (size,) = _SIZE.unpack_from(raw)
            numbers = struct.unpack(f"<{size}I{size}Q", raw[_SIZE.size :])
        except (zlib.error, struct.error) as error:
            raise ValueError(f"no histogram: {error}") from error
        buckets = accumulate(numbers[:size])
        histogram._counts.update(dict(zip(buckets, numbers[size:], strict=True)))
        if size and max(histogram._counts) >= _BUCKETS:
            raise ValueError("no histogram: a bucket that does not exist")
        return histogram


def _middle(bucket: int) -> float:
    """The value in the middle of a bucket; 0 is a value of its own."""
    low, high = struct.unpack("<dd", struct.pack("<qq", bucket << _SHIFT, (bucket + 1) << _SHIFT))
    return (low + high) / 2 if bucket else 0.0
