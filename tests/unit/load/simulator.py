"""A server in virtual time: the truth is known, a run takes milliseconds."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinchpoint.load.arrivals import start_times_s
from pinchpoint.model.recording import Step
from pinchpoint.model.sample import Sample
from pinchpoint.model.target import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pinchpoint.model.workload import Arrivals

BATCH_S = 0.5
NOISE_CORRELATION_S = 3.0
NOISE_TICK_S = 0.1
REFUSAL_RATIO = 0.1
"""A refusal takes this share of the service time."""


@dataclass(kw_only=True)
class Simulator:
    """Workers behind one queue, first come first served, on a machine whose speed wanders.

    A request takes a worker, works by itself, then holds a slot that all workers share (a
    pool's connection, the interpreter lock, the one CPU), and leaves.

    Attributes:
        servers: Workers.
        service_s: Mean time that a request works by itself, at speed 1.
        variation: Coefficient of variation of that time (gamma: 1 is exponential, 0 constant).
        kinds: (weight, relative mean) of each kind of request; the weighted mean is 1.
        shared_s: Mean time (exponential) that a request holds a shared slot.
        shared_slots: How many of them there are.
        noise: Standard deviation of the machine's speed, an AR(1) process.
        cold: Extra service time at the start, as a share; decays with time constant 2 s.
        fails_above: With more requests in the system a new one is refused.
        collapses_above: With more requests in the system all become slower: by
        collapse: for each of them, as a share.
        generator_cpu_s: Of each request.
        lag_s: How late the generator sends in open loop.
        drift: How much the service time grows in each second.
        open_slowness: How much longer the service takes in an open loop.
        closed_ignores_failures: `fails_above` holds in open loop only.
    """

    servers: int
    service_s: float
    variation: float = 1.0
    kinds: tuple[tuple[float, float], ...] = ((1.0, 1.0),)
    shared_s: float = 0.0
    shared_slots: int = 1
    noise: float = 0.0
    cold: float = 0.0
    fails_above: float = math.inf
    collapses_above: float = math.inf
    collapse: float = 0.0
    generator_cpu_s: float = 20e-6
    lag_s: float = 0.0
    drift: float = 0.0
    open_slowness: float = 1.0
    closed_ignores_failures: bool = False
    seed: int = 1
    now_s: float = 0.0
    purposes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._speeds = [1.0]
        self._weights = [weight for weight, _ in self.kinds]
        self._means = [mean for _, mean in self.kinds]
        self._events: list[tuple[float, int, bool]] = []
        self._queue: deque[int] = deque()
        self._waiting: deque[int] = deque()
        self._free, self._free_slots = self.servers, self.shared_slots
        self._in_system = 0
        self._slowness = 1.0

    @property
    def capacity_rps(self) -> float:
        """The truth: all workers busy, below the collapse.

        With a shared slot it is the throughput of the machine repairman model, M/M/c//k.
        """
        if not self.shared_s:
            return self.servers / self.service_s
        total, rate = 1.0, 0.0  # in units of the newest state's probability
        for number in range(1, self.servers + 1):
            done_rps = min(number, self.shared_slots) / self.shared_s
            ratio = (self.servers - number + 1) / self.service_s / done_rps
            total, rate = total / ratio + 1, rate / ratio + done_rps
        return rate / total

    def closed(self, in_flight: int, max_s: float, purpose: str) -> Generator[Batch, None, None]:
        """As `Target` says."""
        self.purposes.append(purpose)
        start_s = self.now_s
        ignores = self.closed_ignores_failures
        refused = 0 if ignores else max(0, in_flight - int(min(self.fails_above, in_flight)))
        errors = round(refused / (REFUSAL_RATIO * self.service_s) * BATCH_S)
        for _ in range(in_flight - refused):
            self._submit(0)
        batch_end_s = start_s + BATCH_S
        try:
            while batch_end_s <= start_s + max_s + 1e-9:
                good = 0
                while self._events and self._events[0][0] <= batch_end_s:
                    if self._advance() is not None:
                        good += 1
                        self._submit(0)
                self.now_s = batch_end_s
                yield Batch(
                    duration_s=BATCH_S,
                    completions=good + errors,
                    errors=errors,
                    generator_cpu_s=(good + errors) * self.generator_cpu_s,
                )
                batch_end_s += BATCH_S
        finally:
            while self._events:
                self._advance()

    def open(self, arrivals: Arrivals, purpose: str) -> Step:
        """As `Target` says."""
        self.purposes.append(purpose)
        start_s, self._slowness = self.now_s, self.open_slowness
        ends: dict[int, float] = {}
        refused: set[int] = set()
        times_s = start_times_s(arrivals)
        for number, time_s in enumerate(times_s):
            self._advance_to(start_s + time_s + self.lag_s, ends)
            if self._in_system >= self.fails_above:
                refused.add(number)
                ends[number] = self.now_s
            else:
                self._submit(number)
        self._advance_to(math.inf, ends)
        self.now_s = max(self.now_s, start_s + arrivals.duration_s)
        self._slowness = 1.0
        return Step(
            purpose=purpose,
            start_ns=_ns(start_s),
            duration_s=arrivals.duration_s,
            arrivals=arrivals,
            samples=tuple(
                _sample(
                    number + 1,
                    start_s + time_s,
                    start_s + time_s + self.lag_s,
                    ends[number],
                    503 if number in refused else 200,
                )
                for number, time_s in enumerate(times_s)
            ),
        )

    def _advance_to(self, time_s: float, ends: dict[int, float]) -> None:
        while self._events and self._events[0][0] <= time_s:
            done = self._advance()
            if done is not None:
                ends[done] = self.now_s
        self.now_s = time_s if time_s < math.inf else self.now_s

    def _submit(self, number: int) -> None:
        self._in_system += 1
        if self._free:
            self._free -= 1
            self._begin(number)
        else:
            self._queue.append(number)

    def _begin(self, number: int) -> None:
        (mean,) = self._dice.choices(self._means, self._weights) if self.kinds[1:] else self._means
        self._schedule(number, self.service_s * mean * self._shape(), is_own=True)

    def _shape(self) -> float:
        if not self.variation:
            return 1.0
        shape = 1 / self.variation**2
        return self._dice.gammavariate(shape, 1 / shape)

    def _schedule(self, number: int, time_s: float, *, is_own: bool) -> None:
        crowd = max(0.0, self._in_system - self.collapses_above)
        slowness = self._slowness * (1 + self.collapse * crowd)
        slowness *= 1 + self.cold * math.exp(-self.now_s / 2) + self.drift * self.now_s
        end_s = self.now_s + time_s * slowness / self._speed(self.now_s)
        heapq.heappush(self._events, (end_s, number, is_own))

    def _advance(self) -> int | None:
        """Let the next event happen; the number of the request if it leaves."""
        self.now_s, number, is_own = heapq.heappop(self._events)
        if is_own and self.shared_s:
            if self._free_slots:
                self._free_slots -= 1
                self._hold(number)
            else:
                self._waiting.append(number)
            return None
        if self.shared_s:
            if self._waiting:
                self._hold(self._waiting.popleft())
            else:
                self._free_slots += 1
        self._in_system -= 1
        if self._queue:
            self._begin(self._queue.popleft())
        else:
            self._free += 1
        return number

    def _hold(self, number: int) -> None:
        self._schedule(number, self._dice.expovariate(1 / self.shared_s), is_own=False)

    def _speed(self, time_s: float) -> float:
        keep = math.exp(-NOISE_TICK_S / NOISE_CORRELATION_S)
        spread = self.noise * math.sqrt(1 - keep * keep)
        while len(self._speeds) <= time_s / NOISE_TICK_S:
            step = self._dice.gauss(0, spread)
            self._speeds.append(1 + keep * (self._speeds[-1] - 1) + step)
        return max(0.2, self._speeds[int(time_s / NOISE_TICK_S)])


def share_of_seeds(is_good: Callable[[int], bool], seeds: int) -> float:
    """How often something holds, over seeds that are always the same."""
    return sum(is_good(seed) for seed in range(1, seeds + 1)) / seeds


def _ns(time_s: float) -> int:
    return round(time_s * 1e9)


def _sample(number: int, intended_s: float, sent_s: float, end_s: float, status: int) -> Sample:
    return Sample(
        trace_id=number,
        endpoint="GET /",
        intended_ns=_ns(intended_s),
        sent_ns=_ns(sent_s),
        first_byte_ns=_ns(end_s),
        completed_ns=_ns(end_s),
        status=status,
        received_bytes=100,
    )
