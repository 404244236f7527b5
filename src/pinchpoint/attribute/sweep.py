"""Charge waiting to those who held what was waited for, in one pass over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Wait(NamedTuple):
    """A request of one endpoint waits."""

    start_ns: int
    end_ns: int
    endpoint: str


class Occupation(NamedTuple):
    """A request of one endpoint holds a slot, at a line of the user's code."""

    start_ns: int
    end_ns: int
    endpoint: str
    site: str


class Charge(NamedTuple):
    """Who waited for whom."""

    victim: str
    holder: str
    site: str


_RELEASE, _ENOUGH, _BEGIN, _TAKE = range(4)  # at the same moment, ends come before starts


def charge_ns(
    waits: Iterable[Wait], occupations: Sequence[Occupation], slots: int = 1
) -> Mapping[Charge, float]:
    """Split each moment of waiting evenly over those who hold a slot in it.

    While fewer than `slots` are held, the free ones keep their part of the waiting, so that
    nobody is charged with the time that a free slot needs to react. A request that waits for
    a second slot is charged with its part like any other holder.

    The time that one endpoint has waited per holder is kept as a running sum; a holder is
    charged with what it has grown by between taking and releasing. So the cost is one sort
    and, per event, one step for each endpoint.
    """
    grown: dict[str, float] = {}
    waiting: Counter[str] = Counter()
    taken: dict[int, dict[str, float]] = {}
    charges: dict[Charge, float] = defaultdict(float)
    before_ns = 0
    for now_ns, kind, name in sorted(_events(waits, occupations)):
        if taken and waiting and now_ns > before_ns:
            part_ns = (now_ns - before_ns) / max(len(taken), slots)
            for endpoint, count in waiting.items():
                grown[endpoint] = grown.get(endpoint, 0.0) + part_ns * count
        before_ns = now_ns
        if isinstance(name, str):
            _count(waiting, name, 1 if kind == _BEGIN else -1)
        elif kind == _TAKE:
            taken[name] = dict(grown)
        else:
            _settle(charges, occupations[name], taken.pop(name), grown)
    return charges


def _events(
    waits: Iterable[Wait], occupations: Sequence[Occupation]
) -> Iterator[tuple[int, int, str | int]]:
    for wait in waits:
        if wait.start_ns < wait.end_ns:
            yield wait.start_ns, _BEGIN, wait.endpoint
            yield wait.end_ns, _ENOUGH, wait.endpoint
    for number, held in enumerate(occupations):
        if held.start_ns < held.end_ns:
            yield held.start_ns, _TAKE, number
            yield held.end_ns, _RELEASE, number


def _count(waiting: Counter[str], endpoint: str, change: int) -> None:
    waiting[endpoint] += change
    if not waiting[endpoint]:
        del waiting[endpoint]


def _settle(
    charges: dict[Charge, float],
    held: Occupation,
    at_start: Mapping[str, float],
    grown: Mapping[str, float],
) -> None:
    for endpoint, now_ns in grown.items():
        time_ns = now_ns - at_start.get(endpoint, 0.0)
        if time_ns > 0:
            charges[Charge(endpoint, held.endpoint, held.site)] += time_ns
