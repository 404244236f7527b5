"""How late requests are sent, which rate can be held, and whether memory stays flat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from load_generators import engine, nginx
from load_server import running_server
from pinchpoint.model.workload import ArrivalProcess, Arrivals
from pinchpoint.stats.quantiles import quantile
from rows import NotRunError, at_least, at_most, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from load_generators import Engine
    from load_rows import Effort, Tools
    from pinchpoint.model.recording import Step
    from rows import Row

RATE_RPS = 10_000.0
WINDOW_S = 0.1
"""Short, so that on a busy machine some are without preemption."""
WAITING_BAR_S = 0.001
SPINNING_BAR_S = 0.000_1
SUSTAINED_RPS = 20_000.0
SUSTAINED_RATIO = 0.99
"""Of the rate: a run of seconds has an end, at which the last answers are waited for."""
CONNECTIONS = 1000
MEMORY_ARRIVALS = Arrivals(rate_rps=1200, duration_s=10)
"""A server of 1,000/s is 2,000 requests behind at the end. The samples of a step are handed over
after it, so that memory follows its length and not that of the run."""
MEMORY_STEP_S = 12.0
"""With the backlog."""
GROWTH_BAR = 1.05


def waiting(tools: Tools, effort: Effort) -> Iterator[Row]:
    """Lateness at 10,000/s when the engine sleeps until the next request is due."""
    yield _lateness(tools, effort, "waiting", WAITING_BAR_S, is_spinning=False)


def spinning(tools: Tools, effort: Effort) -> Iterator[Row]:
    """The same when it keeps its core busy."""
    yield _lateness(tools, effort, "spinning", SPINNING_BAR_S, is_spinning=True)


def sustained(tools: Tools, effort: Effort) -> Iterator[Row]:
    """20,000/s: completed per second from the first scheduled start to the last answer."""
    arrivals = Arrivals(
        rate_rps=SUSTAINED_RPS, duration_s=effort.sustained_s, process=ArrivalProcess.CONSTANT
    )
    with nginx(tools.find_nginx()) as server, engine(server.url) as ours:
        step = ours.loop.open(arrivals, "pin")
    end_ns = max(sample.completed_ns for sample in step.samples)
    answered = sum(sample.is_ok for sample in step.samples)
    rate_rps = answered / (end_ns - step.start_ns) * 1e9
    yield at_least(
        "sustained of 20,000/s, 1/s",
        spread([rate_rps], rate_rps),
        n=len(step.samples),
        bar=SUSTAINED_RPS * SUSTAINED_RATIO,
        note=f"lateness p99 {quantile(_lags_s(step), 0.99) * 1e3:.3f} ms",
    )


def memory(_: Tools, effort: Effort) -> Iterator[Row]:
    """The engine's resident memory at the end over its largest in the first tenth of the time."""
    steps = round(effort.memory_s / MEMORY_STEP_S)
    with (
        running_server("overload") as server,
        engine(server.url, most_connections=CONNECTIONS) as ours,
    ):
        sizes_bytes = [_memory_bytes(ours) for _ in range(steps)]
    opened = max(one.connection for one in server.answered) // steps
    early_bytes = max(sizes_bytes[: max(1, steps // 10)])
    ratios = [size_bytes / early_bytes for size_bytes in sizes_bytes]
    yield at_most(
        f"memory after {effort.memory_s:.0f} s of load / early memory",
        spread(ratios, ratios[-1]),
        n=steps,
        bar=GROWTH_BAR,
        note=f"{sizes_bytes[-1] / 1e6:.1f} MB; {opened} connections in each of {steps} steps",
    )


def _lateness(tools: Tools, effort: Effort, mode: str, bar_s: float, *, is_spinning: bool) -> Row:
    """The 99th percentile over all windows in which the engine was not preempted."""
    with (
        nginx(tools.find_nginx()) as server,
        engine(server.url, is_spinning=is_spinning) as ours,
    ):
        _part(ours.process, server.worker)
        # The first step of a process finds cold caches.
        windows = [_window(ours, seed) for seed in range(effort.windows + 1)][1:]
    clean = [step for step in windows if step.generator and not step.generator.involuntary_switches]
    every_p99_s = quantile([lag_s for step in windows for lag_s in _lags_s(step)], 0.99)
    note = (
        f"{len(windows) - len(clean)} of {len(windows)} windows were preempted; "
        f"with them {every_p99_s * 1e6:.0f} us"
    )
    if not clean:
        raise NotRunError(note)
    p99_s = quantile([lag_s for step in clean for lag_s in _lags_s(step)], 0.99)
    by_window_us = [quantile(_lags_s(step), 0.99) * 1e6 for step in clean]
    return at_most(
        f"lateness p99 at 10,000/s {mode}, us",
        spread(by_window_us, p99_s * 1e6),
        n=len(clean),
        bar=bar_s * 1e6,
        note=note,
    )


def _part(*processes: psutil.Process) -> None:
    """Give each a core of its own, so that neither preempts the other, where the system can."""
    cores = psutil.cpu_count() or 1
    for number, process in enumerate(processes):
        if hasattr(process, "cpu_affinity"):
            process.cpu_affinity([number % cores])


def _window(ours: Engine, seed: int) -> Step:
    """One step with the wanted rate."""
    return ours.loop.open(Arrivals(rate_rps=RATE_RPS, duration_s=WINDOW_S, seed=seed), "pin")


def _lags_s(step: Step) -> Sequence[float]:
    return [sample.client_lag_s for sample in step.samples]


def _memory_bytes(ours: Engine) -> int:
    """One more step, in which all connections are needed; the engine's resident memory after it."""
    ours.loop.open(MEMORY_ARRIVALS, "pin")
    ours.loop.steps.clear()
    return int(ours.process.memory_info().rss)
