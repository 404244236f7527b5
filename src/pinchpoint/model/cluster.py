"""What several machines saw of one load that they offered together."""

from __future__ import annotations

from dataclasses import dataclass

from pinchpoint.model.workload import Arrivals


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterWorker:
    """One machine's share.

    Attributes:
        name: Host and a number.
        requests: Of its share, that have ended and were reported.
        is_lost: It did not report the end of the step.
        clock_error_s: By which the comparison of its clock may be wrong at most.
        first_lag_s: How late its first request was sent.
        lag_p99_s: The 99th percentile of that, over all of its requests.
        cpu_s: CPU time of its engine.
    """

    name: str
    requests: int
    is_lost: bool = False
    clock_error_s: float = 0.0
    first_lag_s: float = 0.0
    lag_p99_s: float = 0.0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Response times from the intended start; requests without an answer count until given up.

    Attributes:
        requests: That have ended.
        errors: Of them, without an answer or with a status from 400 up.
        mean_s: And the quantiles: within 0.05 %.
    """

    requests: int
    errors: int
    mean_s: float
    p50_s: float
    p90_s: float
    p99_s: float
    p999_s: float
    max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStep:
    """One load.

    Attributes:
        arrivals: The schedule of all workers together.
        scheduled: Requests in it.
        whole: All requests that have ended.
        endpoints: The same, by endpoint.
        workers: In the order of their shares.
        start_skew_s: By which the starts of two workers may differ at most.
        invalid: Why its figures cannot be used; empty if they can.
    """

    arrivals: Arrivals
    scheduled: int
    whole: Distribution
    endpoints: tuple[tuple[str, Distribution], ...]
    workers: tuple[ClusterWorker, ...]
    start_skew_s: float
    invalid: str = ""

    @property
    def missing(self) -> int:
        """Arrivals of the schedule that nobody has reported."""
        return self.scheduled - self.whole.requests
