"""What a cluster saw, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pinchpoint.report.words import duration, number, rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.model.cluster import ClusterStep, ClusterWorker, Distribution

SCHEMA_VERSION = 1
NAME_WIDTH = 24
COLUMNS = ("requests", "errors", "mean", "p50", "p90", "p99", "p99.9", "max")


def as_text(steps: Sequence[ClusterStep]) -> str:
    """A table for each load, in the order in which they were offered."""
    return "\n".join(line for step in steps for line in _lines(step))


def as_json(steps: Sequence[ClusterStep]) -> str:
    """Times are seconds, rates requests per second."""
    loads = [
        {
            "rate_rps": step.arrivals.rate_rps,
            "duration_s": step.arrivals.duration_s,
            "scheduled": step.scheduled,
            "missing": step.missing,
            "start_skew_s": step.start_skew_s,
            "invalid": step.invalid,
            "whole": asdict(step.whole),
            "endpoints": {name: asdict(times) for name, times in step.endpoints},
            "workers": [asdict(worker) for worker in step.workers],
        }
        for step in steps
    ]
    return json.dumps({"schema_version": SCHEMA_VERSION, "loads": loads}, indent=2) + "\n"


def _lines(step: ClusterStep) -> Iterator[str]:
    yield (
        f"{rate(step.arrivals.rate_rps)} for {duration(step.arrivals.duration_s)}:"
        f" {step.scheduled:,} requests scheduled, {step.missing:,} missing,"
        f" starts within {duration(step.start_skew_s)}"
    )
    yield f"  {'':<{NAME_WIDTH}}" + "".join(f"{name:>9}" for name in COLUMNS)
    yield _row("all", step.whole)
    if len(step.endpoints) > 1:
        yield from (_row(name, times) for name, times in step.endpoints)
    yield from (_worker(number, worker) for number, worker in enumerate(step.workers, 1))
    if step.invalid:
        yield f"  NOT VALID: {step.invalid}"
    yield ""


def _row(name: str, times: Distribution) -> str:
    words = [
        f"{times.requests:,}",
        f"{times.errors:,}",
        *map(
            duration,
            (times.mean_s, times.p50_s, times.p90_s, times.p99_s, times.p999_s, times.max_s),
        ),
    ]
    return f"  {name:<{NAME_WIDTH}}" + "".join(f"{word:>9}" for word in words)


def _worker(index: int, worker: ClusterWorker) -> str:
    name = f"  worker {index} on {worker.name}"
    if worker.is_lost:
        return f"{name}: LOST after {worker.requests:,} requests"
    return (
        f"{name}: {worker.requests:,} requests, sent {duration(worker.lag_p99_s)} late (p99),"
        f" clock known to {duration(worker.clock_error_s)}, {number(worker.cpu_s)} s of CPU"
    )
