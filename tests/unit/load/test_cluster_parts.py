"""What a cluster adds up, and what it says when a part is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.errors import UsageError
from pinchpoint.load.cluster.clocks import Exchange, compare_clocks
from pinchpoint.load.cluster.leader import start_skew_s, summarise
from pinchpoint.load.cluster.tally import Tally
from pinchpoint.load.cluster.target import allowed_address
from pinchpoint.model.cluster import ClusterWorker
from pinchpoint.model.workload import Arrivals
from pinchpoint.report.cluster import as_text

if TYPE_CHECKING:
    from pinchpoint.model.cluster import ClusterStep

MS = 1_000_000
ENDPOINTS = ["GET /a", "GET /b"]
ARRIVALS = Arrivals(rate_rps=10, duration_s=1)

rows = st.tuples(
    st.integers(1),
    st.integers(0, 1),
    st.just(5),  # intended
    st.integers(0, 50 * MS),  # sent, 0 if it never was
    st.just(0),
    st.integers(5, 10**12),
    st.sampled_from([0, 200, 404]),
    st.just(0),
    st.integers(0, 2),
)


def tally_of(*parts) -> Tally:
    tally = Tally()
    for part in parts:
        tally.add(part, ENDPOINTS)
    return tally


@given(st.lists(rows, max_size=40), st.integers(1, 7))
def test_any_number_of_workers_count_what_one_process_counts(seen, workers) -> None:
    merged = Tally()
    for index in range(workers):
        merged.merge(Tally.decode(tally_of(seen[index::workers]).encode()))
    assert merged == tally_of(seen)
    assert merged.count == len(seen)


@given(
    ahead_ns=st.integers(-(10**15), 10**15),
    ways_ns=st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)), min_size=1),
)
def test_a_clock_is_known_within_its_error_however_unlike_both_ways_are(ahead_ns, ways_ns) -> None:
    exchanges = [
        Exchange(asked_ns=0, answered_ns=there + ahead_ns, received_ns=there + back)
        for there, back in ways_ns
    ]
    clock = compare_clocks(exchanges)
    assert abs(clock.ahead_ns - ahead_ns) <= clock.error_ns
    assert clock.error_ns == (min(map(sum, ways_ns)) + 1) // 2


def row(ms: int, *, lag_ms: int = 0, endpoint: int = 0, status: int = 200) -> tuple[int, ...]:
    return (1, endpoint, MS, (1 + lag_ms) * MS, 0, (1 + ms) * MS, status, 0, 0)


def step_of(*shares: dict, scheduled: int, seen: list) -> ClusterStep:
    basis = {"name": "host_1", "is_lost": False, "clock_ahead_ns": 0, "clock_error_ns": 0}
    return summarise(
        ARRIVALS,
        scheduled,
        {"workers": [basis | share for share in shares], "tally": tally_of(seen).encode()},
    )


def test_a_step_of_all_is_valid() -> None:
    step = step_of({"ended": 2, "count": 2}, scheduled=2, seen=[row(20), row(40, endpoint=1)])
    assert (step.missing, step.invalid) == (0, "")
    assert [name for name, _ in step.endpoints] == ENDPOINTS
    assert step.whole.p50_s == pytest.approx(0.030, rel=0.0005)
    assert "NOT VALID" not in as_text([step])


def test_a_lost_worker_is_seen_as_missing_requests() -> None:
    shares = {"ended": 1, "count": 1}, {"ended": 1, "is_lost": True}
    step = step_of(*shares, scheduled=10, seen=[row(20), row(40)])
    assert step.missing == 8
    assert step.invalid == "1 of 2 workers were lost: 8 requests are missing"
    assert "LOST after 1 requests" in as_text([step])


def test_a_report_that_was_lost_on_the_way_is_noticed() -> None:
    step = step_of({"ended": 1, "count": 2}, scheduled=2, seen=[row(20)])
    assert "counts 2 requests, its reports 1" in step.invalid


def test_workers_that_send_late_make_the_step_invalid() -> None:
    step = step_of({"ended": 1, "count": 1}, scheduled=1, seen=[row(20, lag_ms=5)])
    assert "late" in step.invalid


def test_lag_far_below_the_response_times_does_not() -> None:
    step = step_of({"ended": 1, "count": 1}, scheduled=1, seen=[row(200, lag_ms=5)])
    assert step.invalid == ""


def test_an_error_counts_as_an_error_and_with_its_time() -> None:
    step = step_of({"ended": 2, "count": 2}, scheduled=2, seen=[row(10), row(30, status=503)])
    assert (step.whole.requests, step.whole.errors) == (2, 1)


def test_a_worker_loads_its_own_machine_whoever_asks() -> None:
    assert allowed_address("http://127.0.0.1:8000", is_owned=False) == ("127.0.0.1", 8000)


def test_a_worker_loads_another_machine_only_for_its_owner() -> None:
    with pytest.raises(UsageError, match="--i-own-this"):
        allowed_address("http://192.0.2.1:8000", is_owned=False)
    assert allowed_address("http://192.0.2.1:8000", is_owned=True) == ("192.0.2.1", 8000)


def test_the_skew_bounds_lags_and_clocks() -> None:
    late = ClusterWorker(name="a", requests=1, first_lag_s=0.003, clock_error_s=0.001)
    early = ClusterWorker(name="b", requests=1, first_lag_s=0.001, clock_error_s=0.0005)
    lost = ClusterWorker(name="c", requests=0, is_lost=True, clock_error_s=9)
    assert start_skew_s([late, early, lost]) == pytest.approx(0.0035)
    assert start_skew_s([late, lost]) == 0
