"""A fix, applied and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way in which an arm differs from the unchanged application.

    Attributes:
        fix: The name of a file in `prove/fixes`.
        advice: What it does, as an imperative sentence.
        parameters: What the fix needs.
        finding: Code of the finding that it answers; empty for a free-form experiment.
    """

    fix: str
    advice: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    finding: str = ""


class Verdict(StrEnum):
    """What an experiment says."""

    IMPROVED = "improved"
    REGRESSED = "regressed"
    EQUIVALENT = "no effect"
    INCONCLUSIVE = "inconclusive"
    REFUSED = "refused"  # answers differ, or the arm could not be set up


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """changed / baseline of one metric, with the interval that may be peeked at.

    Attributes:
        metric: `throughput` (requests/s of the whole mix) or `cpu_per_request`.
        ratio: Median over the pairs.
        low_ratio: Lower end of the confidence sequence.
        high_ratio: Upper end.
        confidence_ratio: Its coverage, such as 0.99.
        pairs: Pairs of blocks.
        baseline: Median of the metric in the unchanged arm.
        changed: Median in the changed arm.
    """

    metric: str
    ratio: float
    low_ratio: float
    high_ratio: float
    confidence_ratio: float
    pairs: int
    baseline: float = 0.0
    changed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One experiment: a change against the unchanged application.

    Attributes:
        change: What was tried.
        verdict: The decision.
        effects: The first is the one that was decided on (throughput of the whole mix).
        same_answers: Both arms gave the same answers; None if that was not compared.
        on_clone: Both arms ran on copies of the database.
        note: What the reader should know, such as why it was refused.
        block_rates: (baseline, changed) requests/s of each pair, in order.
        endpoints: changed / baseline mean response time by endpoint.
    """

    change: Change
    verdict: Verdict
    effects: tuple[Effect, ...] = ()
    same_answers: bool | None = None
    on_clone: bool = False
    note: str = ""
    block_rates: tuple[tuple[float, float], ...] = ()
    endpoints: Mapping[str, float] = field(default_factory=dict)
