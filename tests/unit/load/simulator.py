"""A server in virtual time: the truth is known, a run takes milliseconds."""

from __future__ import annotations

import heapq
import math
import random
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


@dataclass(kw_only=True)
class Simulator:
    """An M/G/k queue, first come first served, on a machine whose speed wanders.

    Attributes:
        servers: k.
        service_s: Mean service time at speed 1.
        variation: Coefficient of variation of the service time (log-normal).
        noise: Standard deviation of the machine's speed, an AR(1) process.
        cold: Extra service time at the start, as a share; decays with time constant 2 s.
        fails_above: With more requests in the system a new one is refused at once.
        generator_cpu_s: Of each request.
        lag_s: How late the generator sends in open loop.
        drift: How much the service time grows in each second.
        open_slowness: How much longer the service takes in an open loop.
        closed_ignores_failures: `fails_above` holds in open loop only.
    """

    servers: int
    service_s: float
    variation: float = 1.0
    noise: float = 0.0
    cold: float = 0.0
    fails_above: float = math.inf
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

    @property
    def capacity_rps(self) -> float:
        """The truth."""
        return self.servers / self.service_s

    def closed(self, in_flight: int, max_s: float, purpose: str) -> Generator[Batch, None, None]:
        """As `Target` says; requests above `fails_above` fail after a tenth of the service time."""
        self.purposes.append(purpose)
        start_s = self.now_s
        users = min(in_flight, self.servers)
        ends = [start_s + self._service_s(start_s) for _ in range(users)]
        heapq.heapify(ends)
        refused = 0 if self.closed_ignores_failures else max(0, in_flight - self.fails_above)
        refusals_rps = refused / (0.1 * self.service_s)
        batch_end_s = start_s + BATCH_S
        try:
            while batch_end_s <= start_s + max_s:
                good = 0
                while ends[0] <= batch_end_s:
                    heapq.heapreplace(ends, ends[0] + self._service_s(ends[0]))
                    good += 1
                errors = round(refusals_rps * BATCH_S)
                self.now_s = batch_end_s
                yield Batch(
                    duration_s=BATCH_S,
                    completions=good + errors,
                    errors=errors,
                    generator_cpu_s=(good + errors) * self.generator_cpu_s,
                )
                batch_end_s += BATCH_S
        finally:
            self.now_s = max(ends)

    def open(self, arrivals: Arrivals, purpose: str) -> Step:
        """As `Target` says."""
        self.purposes.append(purpose)
        start_s = self.now_s
        free = [start_s] * self.servers
        in_system: list[float] = []
        samples = []
        for number, time_s in enumerate(start_times_s(arrivals), start=1):
            intended_s = start_s + time_s
            while in_system and in_system[0] <= intended_s + self.lag_s:
                heapq.heappop(in_system)
            is_refused = len(in_system) >= self.fails_above
            end_s = intended_s + self.lag_s
            if not is_refused:
                begin_s = max(end_s, free[0])
                end_s = begin_s + self.open_slowness * self._service_s(begin_s)
                heapq.heapreplace(free, end_s)
                heapq.heappush(in_system, end_s)
            samples.append(
                _sample(
                    number, intended_s, intended_s + self.lag_s, end_s, 503 if is_refused else 200
                )
            )
        self.now_s = max(free)
        return Step(
            purpose=purpose,
            start_ns=_ns(start_s),
            duration_s=arrivals.duration_s,
            arrivals=arrivals,
            samples=tuple(samples),
        )

    def _service_s(self, begin_s: float) -> float:
        sigma2 = math.log(1 + self.variation**2)
        shape = self._dice.lognormvariate(-sigma2 / 2, math.sqrt(sigma2)) if sigma2 else 1.0
        slowness = 1 + self.cold * math.exp(-begin_s / 2) + self.drift * begin_s
        return self.service_s * shape * slowness / self._speed(begin_s)

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
