"""What an open-loop step says: whether the server kept up, and whether the generator did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.stats import lateness
from pinchpoint.stats.quantiles import quantile
from pinchpoint.stats.stability import is_sustained

if TYPE_CHECKING:
    from pinchpoint.model.recording import Step

MOST_ERROR_RATIO = 0.001


def is_stable(step: Step, in_flight: int) -> bool:
    """The backlog stayed bounded.

    Args:
        step: An open-loop step.
        in_flight: Requests that the server holds at full throughput.
    """
    end_ns = step.start_ns + step.duration_s * 1e9
    unanswered = sum(sample.completed_ns > end_ns for sample in step.samples)
    return is_sustained(len(step.samples), unanswered, in_flight)


def error_ratio(step: Step) -> float:
    """Share of the requests that got no answer, or an error; 0 without requests."""
    errors = sum(not sample.is_ok for sample in step.samples)
    return errors / len(step.samples) if step.samples else 0.0


def keeps_up(step: Step, in_flight: int) -> bool:
    """The server answered as fast as was offered, and hardly ever with an error."""
    return error_ratio(step) <= MOST_ERROR_RATIO and is_stable(step, in_flight)


def is_late(step: Step) -> bool:
    """The generator did not keep the schedule, so that a backlog may be its own fault."""
    if step.generator is not None:
        return bool(step.invalid)
    if not step.samples:
        return False
    lag_s = quantile([sample.client_lag_s for sample in step.samples], 0.99)
    response_s = quantile([sample.response_time_s for sample in step.samples], 0.99)
    return lateness.is_late(lag_s, response_s)
