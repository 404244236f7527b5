"""What a fix can win at most, before it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinchpoint.model.budget import Budget
    from pinchpoint.model.capacity import Capacity
    from pinchpoint.model.finding import Finding

LARGEST_GAIN = 100.0
"""A model that promises more has divided by nearly nothing."""


def predict_gain(finding: Finding, capacity: Capacity, mix: Budget) -> tuple[float, float]:
    """Bound the throughput after a fix, as a multiple of the present one.

    The high end takes the finding's share away from every request (Amdahl's law). The low
    end takes the same seconds away from the time that a request spends at the plateau, by
    Little's law N / X: queueing there does not shrink with the share. Neither exceeds the
    next wall. (Operational bounds as in Lazowska et al., Quantitative System Performance,
    1984, chapter 5.)

    Args:
        finding: Its `mix_share_ratio` is what the fix removes at most.
        capacity: The saturation point, with the next wall if that is known.
        mix: The budget of the whole mix, from which the shares are.

    Returns:
        Low and high multiple, both at least 1, and 1 if nothing was measured.
    """
    if not capacity.rate_rps or not mix.response_time_s:
        return 1.0, 1.0
    removed_s = finding.mix_share_ratio * mix.response_time_s
    at_plateau_s = max(mix.response_time_s, capacity.in_flight / capacity.rate_rps)
    cap = capacity.next_wall_rps / capacity.rate_rps if capacity.next_wall_rps else LARGEST_GAIN
    low, high = (
        max(1.0, min(_gain(removed_s / whole_s), cap))
        for whole_s in (at_plateau_s, mix.response_time_s)
    )
    return low, high


def _gain(removed_ratio: float) -> float:
    return 1 / max(1 - removed_ratio, 1 / LARGEST_GAIN)
