"""How far the clock of another machine is ahead, from questions and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question; each time by the clock of the machine that it names.

    Attributes:
        asked_ns: Here, when the question left.
        answered_ns: There, when it was answered.
        received_ns: Here, when the answer came.
    """

    asked_ns: int
    answered_ns: int
    received_ns: int

    @property
    def round_trip_ns(self) -> int:
        """From the question to the answer."""
        return self.received_ns - self.asked_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The clock of another machine.

    Attributes:
        ahead_ns: What it shows more than ours.
        error_ns: By which this may be wrong at most.
    """

    ahead_ns: int
    error_ns: int


def compare_clocks(exchanges: Iterable[Exchange]) -> Clock:
    """Compare by the quickest exchange: its answer lies nearest to the middle of its round trip.

    The estimate of NTP (RFC 5905 §8); half the round trip bounds its error, whatever the way
    there and the way back took of it.
    """
    best = min(exchanges, key=lambda exchange: exchange.round_trip_ns)
    middle_ns = best.asked_ns + best.round_trip_ns // 2
    return Clock(ahead_ns=best.answered_ns - middle_ns, error_ns=(best.round_trip_ns + 1) // 2)
