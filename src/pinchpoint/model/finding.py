"""What was found, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How sure a finding is."""

    PROVEN = "proven"  # applied and measured
    PREDICTED = "predicted"  # by a model
    SUSPECTED = "suspected"  # a pattern without a cost at this load
    RULED_OUT = "ruled out"  # tried or bounded, with the number
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A line of the user's code."""

    file: str
    line: int
    function: str = ""

    @classmethod
    def parse(cls, site: str) -> Location | None:
        """Read the probe's `file:line:function`; None for an empty or foreign text."""
        file, _, rest = site.rpartition(":")
        file, _, line = file.rpartition(":")
        return cls(file=file, line=int(line), function=rest) if file and line.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact that supports a finding: `statement`, with a figure if it has one."""

    statement: str
    value: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """An endpoint that waits because of a finding."""

    endpoint: str
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One bottleneck.

    Attributes:
        code: Stable, such as `DB001`.
        title: One line.
        endpoint: The endpoint that causes it.
        status: How sure it is.
        share_ratio: The most a fix can win, as a share of the endpoint's response time
            (Amdahl), 0 to 1.
        mix_share_ratio: The same as a share of the whole mix's response time.
        location: The user's line, if one is to blame.
        evidence: At least one.
        victims: Endpoints that wait because of it.
        advice: What to change, as an imperative sentence.
        parameters: What a fix needs to know, such as table and columns.
    """

    code: str
    title: str
    endpoint: str
    share_ratio: float
    evidence: tuple[Evidence, ...]
    status: Status = Status.PREDICTED
    mix_share_ratio: float = 0.0
    location: Location | None = None
    victims: tuple[Victim, ...] = ()
    advice: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
