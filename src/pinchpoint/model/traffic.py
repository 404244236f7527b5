"""What a source tells of real traffic, before the walk has tried it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pinchpoint.model.workload import Route


class Ask(NamedTuple):
    """A request as somebody else sent it.

    Attributes:
        method: `GET`, `POST` ...
        target: Path with query, without secrets (`walk.privacy`), fit for a request line.
    """

    method: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one source tells; what all sources leave open is guessed by the walk.

    Attributes:
        source: For the reader: `access.log`, `[tool.pinchpoint.traffic]`.
        routes: Known routes, with values for their parameters where it has some.
        asks: How often each request was sent.
        weights: (pattern of `GET /path` or of the path alone, weight); the first that fits counts.
        values: By the name of a parameter.
        zipf_exponent: Of the popularity of values: the k-th is asked for k**-exponent times as
            often as the first; 0 if all are alike, None if the source does not say.
        is_replayed: Open-loop steps shall come in the bursts of the recorded arrivals.
        starts_s: When requests arrived, ascending, the first at 0; empty if not known.
        notes: What was left out or could not be read, one sentence each.
    """

    source: str
    routes: tuple[Route, ...] = ()
    asks: Mapping[Ask, int] = field(default_factory=dict)
    weights: tuple[tuple[str, float], ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zipf_exponent: float | None = None
    is_replayed: bool = False
    starts_s: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
