"""What a fix can win at most, before it is tried: which one is worth an experiment first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.model.span import WAITING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinchpoint.model.budget import Budget
    from pinchpoint.model.finding import Finding

MIX = "*"
LARGEST_SHARE_RATIO = 0.99
"""A model that removes more divides by nearly nothing."""


def demand_share(finding: Finding, budgets: Iterable[Budget]) -> float:
    """The share of the whole mix's service time that a finding's cure removes, 0 to 1.

    `share_ratio` is a share of its endpoint's service time; waiting is not demand, and
    shrinks by itself once the demand does.
    """
    services_s = {one.endpoint: _service_s(one) * one.requests for one in budgets}
    total_s = services_s.get(MIX, 0.0)
    return finding.share_ratio * services_s.get(finding.endpoint, 0.0) / total_s if total_s else 0.0


def predict_gain(
    limits_rps: Mapping[str, float],
    *,
    removed_ratio: float = 0.0,
    relief: Mapping[str, float] | None = None,
) -> float:
    """The throughput after a fix as a multiple of the present one, by operational bounds.

    The lowest limit decides before and after (Lazowska et al., Quantitative System
    Performance, 1984, chapter 5). On 300 simulated systems the gain was within 15 % of the
    truth in 97 % (reference: measurement.md §4.2).

    Args:
        limits_rps: The throughput that each kind of resource allows.
        removed_ratio: Share of the demand for every resource that the fix removes.
        relief: By kind of resource: how many times as much of it the fix provides.

    Returns:
        The multiple; 1 if no limit is known.
    """
    if not limits_rps:
        return 1.0
    left_ratio = 1 - min(removed_ratio, LARGEST_SHARE_RATIO)
    more = relief or {}
    after_rps = min(rate * more.get(kind, 1.0) / left_ratio for kind, rate in limits_rps.items())
    return after_rps / min(limits_rps.values())


def _service_s(budget: Budget) -> float:
    return sum(time_s for part, time_s in budget.parts_s.items() if part not in WAITING)
