"""Applications drawn at random: what queues, and what limits, is different in each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator import Simulator

from pinchpoint.load.search import find_saturation

if TYPE_CHECKING:
    from pinchpoint.load.limits import SearchLimits
    from pinchpoint.model.capacity import Capacity

RATES_RPS = (30.0, 1000.0)
"""A slower application answers too few requests within a minute: by counting alone 5 % takes
1540 of them, times the square of the service time's variation."""


class Run(NamedTuple):
    """One search on one drawn application."""

    seed: int
    shape: str
    truth_rps: float
    capacity: Capacity
    duration_s: float

    @property
    def error_ratio(self) -> float:
        return self.capacity.rate_rps / self.truth_rps - 1


def search_drawn(seed: int, noise: float, limits: SearchLimits) -> Run:
    """Draw an application on a machine whose speed wanders, and find its capacity."""
    dice = random.Random(seed)
    shape = dice.choice(list(SHAPES))
    facts = SHAPES[shape](dice)
    is_async = facts.pop("is_async", False)
    simulator = Simulator(**facts, noise=noise, cold=dice.uniform(0, 0.5), seed=seed)
    capacity = find_saturation(simulator, slots=simulator.servers, is_async=is_async, limits=limits)
    return Run(seed, shape, simulator.capacity_rps, capacity, simulator.now_s)


def _rate_rps(dice: random.Random) -> float:
    low, high = RATES_RPS
    return low * (high / low) ** dice.random()


def _workers(dice: random.Random) -> dict[str, Any]:
    servers = dice.randint(1, 16)
    return {"servers": servers, "service_s": servers / _rate_rps(dice)}


def _mixed(dice: random.Random) -> dict[str, Any]:
    """Several endpoints, each with its own mean and spread."""
    weights = [dice.uniform(0.1, 1) for _ in range(dice.randint(2, 6))]
    means = [dice.uniform(0.2, 3) for _ in weights]
    return {**_workers(dice), "kinds": _kinds(weights, means), "variation": dice.uniform(0.1, 0.7)}


def _bimodal(dice: random.Random) -> dict[str, Any]:
    """Most requests are answered from a cache, the others take many times as long."""
    slow = dice.uniform(0.05, 0.3)
    kinds = _kinds([1 - slow, slow], [1.0, dice.uniform(5, 15)])
    return {**_workers(dice), "kinds": kinds, "variation": 0.3}


def _interpreter(dice: random.Random) -> dict[str, Any]:
    """Threads that wait by themselves and compute one at a time."""
    threads = dice.randint(2, 16)
    cpu_s = 1 / _rate_rps(dice)
    return {"servers": threads, "service_s": cpu_s * dice.uniform(0.2, threads), "shared_s": cpu_s}


def _pool(dice: random.Random) -> dict[str, Any]:
    """An event loop before a pool of connections that is too small."""
    slots = dice.randint(2, 20)
    held_s = slots / _rate_rps(dice)
    own_s = held_s * dice.uniform(0.1, 2)
    return {**_loop_of(own_s, held_s), "shared_slots": slots}


def _event_loop(dice: random.Random) -> dict[str, Any]:
    """An event loop that computes on one core and waits for others in between."""
    cpu_s = 1 / _rate_rps(dice)
    return _loop_of(cpu_s * dice.uniform(1, 40), cpu_s)


def _loop_of(own_s: float, shared_s: float) -> dict[str, Any]:
    return {"servers": 400, "service_s": own_s, "shared_s": shared_s, "is_async": True}


def _collapsing(dice: random.Random) -> dict[str, Any]:
    """Workers that all become slower while too many requests wait for them."""
    workers = _workers(dice)
    above = workers["servers"] * dice.uniform(4, 16) + 30
    return {**workers, "collapses_above": above, "collapse": dice.uniform(0.002, 0.02)}


SHAPES = {
    "M/M/k": _workers,
    "mixed service times": _mixed,
    "bimodal": _bimodal,
    "interpreter lock": _interpreter,
    "pool": _pool,
    "event loop": _event_loop,
    "collapse in overload": _collapsing,
}


def _kinds(weights: list[float], means: list[float]) -> tuple[tuple[float, float], ...]:
    mean = sum(w * m for w, m in zip(weights, means, strict=True)) / sum(weights)
    return tuple((w, m / mean) for w, m in zip(weights, means, strict=True))
