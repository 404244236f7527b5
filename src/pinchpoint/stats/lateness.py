"""When a load generator has been too slow for its figures to be those of the application."""

from __future__ import annotations

CPU_RATIO = 0.8
"""Of one core, in a closed loop: above, the generator may be what is measured (DESIGN §3)."""
LAG_S = 0.001
LAG_RATIO = 0.1
"""Of the response time's p99: a generator this late changes the figure that is reported."""


def is_late(lag_p99_s: float, response_p99_s: float) -> bool:
    """Whether an open loop was too far behind its schedule (DESIGN §3)."""
    return lag_p99_s > max(LAG_S, LAG_RATIO * response_p99_s)


def late_text(lag_p99_s: float, response_p99_s: float, rate_rps: float) -> str:
    """What a reader is told of such a step."""
    return (
        f"the generator sent up to {1e3 * lag_p99_s:.3g} ms late (p99)"
        f" at {rate_rps:.3g} req/s, where p99 is {1e3 * response_p99_s:.3g} ms"
    )
