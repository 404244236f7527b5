"""What one worker, or all of them, have seen of a step: counts that add up exactly."""

from __future__ import annotations

from base64 import b85decode, b85encode
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pinchpoint.stats.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = Sequence[int]
"""The fields of `load.wire.RECORD`."""


class Tally:
    """Histograms and counts of requests that have ended.

    Attributes:
        times: By endpoint, in nanoseconds from the intended start to the end, however it ended.
        lags: From the intended start until it was sent, in nanoseconds; of those that were.
        errors: By endpoint: no answer, or a status from 400 up.
    """

    def __init__(self) -> None:
        self.times: defaultdict[str, Histogram] = defaultdict(Histogram)
        self.lags = Histogram()
        self.errors: Counter[str] = Counter()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def count(self) -> int:
        """Of requests that have ended."""
        return sum(times.count for times in self.times.values())

    def add(self, rows: Iterable[Row], endpoints: Sequence[str]) -> None:
        """Count requests; a row names its endpoint by its index."""
        times_ns: defaultdict[str, list[int]] = defaultdict(list)
        lags_ns = []
        for _, index, intended_ns, sent_ns, _, completed_ns, status, _, error in rows:
            endpoint = endpoints[index]
            times_ns[endpoint].append(completed_ns - intended_ns)
            if sent_ns:
                lags_ns.append(max(0, sent_ns - intended_ns))
            if error or status >= 400:
                self.errors[endpoint] += 1
        for endpoint, values in times_ns.items():
            self.times[endpoint].extend(values)
        self.lags.extend(lags_ns)

    def merge(self, other: Tally) -> None:
        """Add what another one has counted."""
        for endpoint, times in other.times.items():
            self.times[endpoint].merge(times)
        self.lags.merge(other.lags)
        self.errors.update(other.errors)

    def encode(self) -> Mapping[str, Any]:
        """As a message has it: text, which each transport takes."""
        return {
            "times": {name: _text(times) for name, times in sorted(self.times.items())},
            "lags": _text(self.lags),
            "errors": dict(sorted(self.errors.items())),
        }

    @classmethod
    def decode(cls, message: Mapping[str, Any]) -> Tally:
        """Read what `encode` wrote.

        Raises:
            ValueError: Something else wrote it.
        """
        tally = cls()
        for endpoint, times in message["times"].items():
            tally.times[endpoint] = _histogram(times)
        tally.lags = _histogram(message["lags"])
        tally.errors.update(message["errors"])
        return tally


def _text(histogram: Histogram) -> str:
    return b85encode(histogram.to_bytes()).decode("ascii")


def _histogram(text: str) -> Histogram:
    return Histogram.from_bytes(b85decode(text))
