"""Whether an open loop was served as fast as it was offered."""

from __future__ import annotations

import math

MOST_BACKLOG_RATIO = 0.045
"""Of the requests offered. Midway between 0.9 and 1.1 of the capacity: with 1000 requests it
tells the two apart better than the slope of the backlog or the share completed
(docs/explanation; simulated with 6 applications x 12 seeds)."""
ENOUGH_REQUESTS = 1000
"""The threshold's own. A queue near saturation wanders like the square root of the number of
requests, so that fewer of them allow a larger share."""


def is_sustained(offered: int, unanswered: int, in_flight: int) -> bool:
    """Decide whether a server keeps up with an open loop.

    Args:
        offered: Requests of the schedule.
        unanswered: Those without an answer when the schedule ended.
        in_flight: Requests that the server holds at full throughput without falling behind;
            so many are no sign of a backlog (Little's law).
    """
    if offered == 0:
        return True
    allowed = MOST_BACKLOG_RATIO * max(1.0, math.sqrt(ENOUGH_REQUESTS / offered))
    return (unanswered - in_flight) / offered <= allowed
