"""The loops with a client that answers by itself and a clock that only waiting advances."""

from __future__ import annotations

import pytest

from pinchpoint.load import offer
from pinchpoint.load.offer import Loop, offer_closed, offer_open
from pinchpoint.load.traffic import Traffic
from pinchpoint.model.workload import RequestTemplate, Workload

MS = 1_000_000


class Clock:
    def __init__(self):
        self.now_ns = 0

    def __call__(self):
        return self.now_ns


class Control:
    descriptor = 7

    def is_stop(self):
        return True


class Server:
    """Client and poller in one: each request takes `service_ns`, all at the same time."""

    def __init__(self, clock, service_ns, stops_at_ns=10**18):
        self.clock, self.service_ns, self.stops_at_ns = clock, service_ns, stops_at_ns
        self.samples, self.ends_ns, self.begun = [], [], []
        self.errors = 0

    @property
    def in_flight(self):
        return len(self.ends_ns)

    def begin(self, request):
        _, _, intended_ns, _, _ = request
        self.begun.append((intended_ns, self.clock.now_ns))
        self.ends_ns.append(self.clock.now_ns + self.service_ns)

    def expire(self, now_ns):
        pass

    def wait(self, timeout_s):
        until_ns = self.clock.now_ns + max(1, round(timeout_s * 1e9))
        self.clock.now_ns = min([until_ns, *self.ends_ns])
        ended = [end_ns for end_ns in self.ends_ns if end_ns <= self.clock.now_ns]
        self.ends_ns = [end_ns for end_ns in self.ends_ns if end_ns > self.clock.now_ns]
        self.samples += ended
        return [Control.descriptor] if self.clock.now_ns >= self.stops_at_ns else []

    def handle(self, descriptors):
        assert set(descriptors) <= {Control.descriptor}


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(offer, "perf_counter_ns", clock)
    return clock


def loop_on(server):
    workload = Workload(templates=(RequestTemplate(endpoint="GET /", paths=("/",)),))
    traffic = Traffic(workload, "127.0.0.1", 0, 1)
    traffic.begin_step()
    return Loop(client=server, poller=server, control=Control(), traffic=traffic)


def test_an_open_loop_does_not_wait_for_answers(clock):
    server = Server(clock, service_ns=500 * MS)
    schedule = [10 * MS, 20 * MS, 20 * MS, 30 * MS]
    offer_open(loop_on(server), schedule, 40 * MS)
    assert [intended for intended, _ in server.begun] == schedule
    assert all(begun >= intended for intended, begun in server.begun)
    assert max(begun - intended for intended, begun in server.begun) <= 1
    assert len(server.samples) == 4


def test_overdue_requests_keep_their_intended_start(clock):
    server = Server(clock, service_ns=MS)
    clock.now_ns = 1_000 * MS
    loop = loop_on(server)
    offer_open(loop, [MS, 2 * MS], 10 * MS)
    assert [intended for intended, _ in server.begun] == [MS, 2 * MS]
    assert list(loop.lags_ns) == [999 * MS, 998 * MS]


def test_an_open_loop_ends_where_a_stop_comes(clock):
    server = Server(clock, service_ns=MS, stops_at_ns=50 * MS)
    schedule = [10 * MS * number for number in range(10)]
    assert offer_open(loop_on(server), schedule, 100 * MS) == 50 * MS
    assert [intended for intended, _ in server.begun] == schedule[:5]
    assert server.in_flight == 0


@pytest.mark.parametrize(
    ("fewest", "most", "begun"), [(5, 20, 21), (5, 1000, 101), (150, 999, 151)]
)
def test_an_open_loop_ends_where_the_backlog_has_no_end(monkeypatch, clock, fewest, most, begun):
    monkeypatch.setattr(offer, "FEWEST_BACKLOG", fewest)
    monkeypatch.setattr(offer, "MOST_BACKLOG", most)
    server = Server(clock, service_ns=60_000 * MS)
    schedule = [100 * MS * number for number in range(200)]  # 10 requests/s: 100 in 10 s
    offered_ns = offer_open(loop_on(server), schedule, 20_000 * MS)
    assert len(server.begun) == begun
    assert offered_ns == pytest.approx(100 * MS * begun, rel=0.1)


def test_a_closed_loop_keeps_the_number_in_flight(clock):
    server = Server(clock, service_ns=10 * MS)
    batches = []
    offered_ns = offer_closed(loop_on(server), 4, 1_000 * MS, batches.append)
    assert offered_ns == 1_000 * MS
    assert server.in_flight == 0
    assert [batch.duration_s for batch in batches] == [0.5, 0.5]
    assert batches[-1].completions == 4 * 500 / 10


def test_the_connections_of_a_closed_loop_are_not_opened_all_at_once(clock):
    server = Server(clock, service_ns=5_000 * MS)
    offer_closed(loop_on(server), 10, 500 * MS, lambda _: None)
    starts = [begun for _, begun in server.begun]
    assert len(starts) == 10
    assert starts[0] == 0
    assert starts[-1] == pytest.approx(90 * MS, abs=10 * MS)


def test_a_stop_ends_a_closed_loop_before_its_time(clock):
    server = Server(clock, service_ns=10 * MS, stops_at_ns=700 * MS)
    batches = []
    offered_ns = offer_closed(loop_on(server), 2, 60_000 * MS, batches.append)
    assert offered_ns == pytest.approx(700 * MS, abs=10 * MS)
    assert len(batches) == 1
    assert server.in_flight == 0


def test_no_sliver_of_a_batch_remains(clock):
    server = Server(clock, service_ns=7 * MS)  # never ends on a half second
    batches = []
    offer_closed(loop_on(server), 3, 2_000 * MS, batches.append)
    assert [round(batch.duration_s, 1) for batch in batches] == [0.5] * 4
