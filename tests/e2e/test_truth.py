"""What the load engine says of response times, held against the server's own record.

No timing is asserted: each figure of the client lies between two events that the server saw,
and above what queueing theory says, on a machine that is as busy as it likes. The figures
themselves are in `benchmarks/load.py`.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from load_generators import engine
from load_server import Answered, exact_response_times_s, running_server
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.sample import Sample
from pinchpoint.model.workload import Arrivals
from pinchpoint.stats.quantiles import quantile

pytestmark = pytest.mark.e2e

SERVERS = (("short-stall", 1), ("short-stall", 200), ("overload", 20), ("short-two-speed", 200))
"""Shapes, and the most connections."""
ARRIVALS = Arrivals(rate_rps=1200, duration_s=0.9)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One step, as the client and as the server saw it."""

    shape: str
    connections: int
    samples: Sequence[Sample]
    records: Sequence[Answered]

    @property
    def arrivals_s(self) -> Sequence[float]:
        """As the server was told, from the begin of its first phase."""
        origin_ns = min(self.records, key=lambda one: one.received_ns).intended_ns
        return sorted((one.intended_ns - origin_ns) / 1e9 for one in self.records)


@pytest.fixture(scope="module", params=SERVERS, ids="{0[0]}-{0[1]}".format)
def seen(request: pytest.FixtureRequest) -> Seen:
    shape, connections = request.param
    with (
        running_server(shape) as server,
        engine(server.url, most_connections=connections) as ours,
    ):
        step = ours.loop.open(ARRIVALS, "pin")
    return Seen(shape=shape, connections=connections, samples=step.samples, records=server.answered)


def test_every_arrival_is_one_sample_and_one_answer(seen: Seen) -> None:
    assert len(seen.samples) == len(seen.records) == len(start_times_s(ARRIVALS))
    assert len({sample.trace_id for sample in seen.samples}) == len(seen.samples)
    assert all(sample.is_ok for sample in seen.samples)


def test_the_server_is_told_the_scheduled_start(seen: Seen) -> None:
    told = {one.trace_id: one.intended_ns for one in seen.records}
    assert told == {sample.trace_id: sample.intended_ns for sample in seen.samples}


def test_no_more_connections_than_allowed(seen: Seen) -> None:
    assert max(one.connection for one in seen.records) <= seen.connections


def test_an_answer_ends_between_two_events_of_the_server(seen: Seen) -> None:
    completed_ns = {sample.trace_id: sample.completed_ns for sample in seen.samples}
    by_connection = defaultdict(list)
    for one in sorted(seen.records, key=lambda one: one.received_ns):
        by_connection[one.connection].append(one)
    assert all(one.answered_ns <= completed_ns[one.trace_id] for one in seen.records)
    assert all(
        completed_ns[one.trace_id] <= following.received_ns
        for requests in by_connection.values()
        for one, following in pairwise(requests)
    )


def test_nothing_is_omitted(seen: Seen) -> None:
    exact_s = exact_response_times_s(seen.shape, seen.arrivals_s)
    measured_s = [sample.response_time_s for sample in seen.samples]
    assert statistics.fmean(measured_s) > statistics.fmean(exact_s)
    # More than a tenth of the arrivals wait; clients that wait with them would hide that.
    assert quantile(exact_s, 0.9) > 0.05
    assert quantile(measured_s, 0.9) > 0.05
