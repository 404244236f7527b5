"""The tool's side of a cluster: start a master, gather workers, offer loads."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from itertools import permutations
from typing import TYPE_CHECKING

from pinchpoint.errors import InconclusiveError, LaunchError, UsageError
from pinchpoint.load.address import resolve
from pinchpoint.load.arrivals import start_times_s
from pinchpoint.load.cluster.tally import Tally
from pinchpoint.load.configuration import Configuration, check_workload, encode_arrivals
from pinchpoint.load.fleet import start_engine
from pinchpoint.model.cluster import ClusterStep, ClusterWorker, Distribution
from pinchpoint.stats.histogram import Histogram
from pinchpoint.stats.lateness import is_late, late_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinchpoint.load.wire import Header
    from pinchpoint.model.workload import Arrivals, Workload

PROCESS = "pinchpoint.load.cluster.master"
MOST_CONNECTIONS = 1024
"""Of each worker."""


class Cluster:
    """Several machines that load one application together; close it after use.

    Args:
        start: Starts a process with this command line.
        workload: The mix.
        base_url: Of the application, as the workers reach it.
        workers: How many to wait for.
        bind: Address to listen on for them.
        port: To listen on; 0 for a free one.
        timeout_s: Of each request, from its intended start.

    Raises:
        LaunchError: The master did not begin, or cannot listen there.
        UsageError: Locust is not installed, or the workload cannot be.
    """

    def __init__(  # noqa: PLR0913  # what it loads, and where it listens
        self,
        *,
        start: Callable[[Sequence[str]], object],
        workload: Workload,
        base_url: str,
        workers: int,
        bind: str,
        port: int,
        timeout_s: float = 30.0,
    ) -> None:
        check_workload(workload)
        if find_spec("locust") is None:
            raise UsageError(
                "a cluster needs Locust, which is not installed here",
                "Install it on each machine: pip install 'pinchpoint[locust]'.",
            )
        configuration = Configuration(
            workload=workload,
            base_url=base_url,
            address=resolve(base_url),
            timeout_s=timeout_s,
            most_connections=MOST_CONNECTIONS,
        )
        self._channel = start_engine(start, PROCESS)
        order = {
            "workers": workers,
            "bind": bind,
            "port": port,
            "configuration": configuration.encode(),
        }
        with ExitStack() as stack:
            stack.callback(self.close)
            self._channel.send(order)
            told = self._receive(
                f"the master cannot listen on port {port} of {bind}: is there another one?"
            )
            self.port = int(told["port"])
            stack.pop_all()

    def close(self) -> None:
        """Let the workers and the master end."""
        self._channel.close()

    def gather(self) -> Sequence[str]:
        """Wait until all workers have come and started their engines.

        Returns:
            Their names.

        Raises:
            LaunchError: One cannot load this application.
        """
        names: Sequence[str] = self._receive("the master ended by itself")["workers"]
        return names

    def open(self, arrivals: Arrivals) -> ClusterStep:
        """Offer an open-loop schedule and wait for all answers.

        Raises:
            InconclusiveError: The master ended.
        """
        scheduled = len(start_times_s(arrivals))
        self._channel.send({"arrivals": encode_arrivals(arrivals), "scheduled": scheduled})
        message = self._channel.receive()
        if message is None:
            raise InconclusiveError("the master of the cluster ended by itself")
        return summarise(arrivals, scheduled, message[0])

    def _receive(self, otherwise: str) -> Header:
        message = self._channel.receive()
        if message is None:
            raise LaunchError(otherwise)
        header = message[0]
        if header["kind"] == "failed":
            raise LaunchError(f"a worker cannot take part: {header['message']}")
        return header


def summarise(arrivals: Arrivals, scheduled: int, result: Header) -> ClusterStep:
    """What a master's result says of a step, and whether its figures can be used."""
    tally = Tally.decode(result["tally"])
    whole = Histogram()
    for times in tally.times.values():
        whole.merge(times)
    workers = tuple(map(_worker, result["workers"]))
    distribution = _distribution(whole, tally.errors.total())
    lag_p99_s = tally.lags.quantile(0.99) / 1e9 if tally.lags.count else 0.0
    return ClusterStep(
        arrivals=arrivals,
        scheduled=scheduled,
        whole=distribution,
        endpoints=tuple(
            (name, _distribution(times, tally.errors[name]))
            for name, times in sorted(tally.times.items())
        ),
        workers=workers,
        start_skew_s=start_skew_s(workers),
        invalid=_lost(workers, scheduled - whole.count)
        or _uncounted(result["workers"])
        or _late(lag_p99_s, distribution, arrivals),
    )


def start_skew_s(workers: Sequence[ClusterWorker]) -> float:
    """By which the starts of two workers may differ at most; of those that were not lost."""
    present = [worker for worker in workers if not worker.is_lost]
    return max(
        (
            one.first_lag_s - other.first_lag_s + one.clock_error_s + other.clock_error_s
            for one, other in permutations(present, 2)
        ),
        default=0.0,
    )


def _worker(share: Header) -> ClusterWorker:
    return ClusterWorker(
        name=share["name"].partition("_")[0],
        requests=share["ended"],
        is_lost=share["is_lost"],
        clock_error_s=share["clock_error_ns"] / 1e9,
        first_lag_s=share.get("first_lag_ns", 0) / 1e9,
        lag_p99_s=share.get("lag_p99_s", 0.0),
        cpu_s=share.get("cpu_s", 0.0),
    )


def _distribution(times: Histogram, errors: int) -> Distribution:
    """Of times in nanoseconds; all 0 if there are none."""
    quantiles_s = [
        times.quantile(share) / 1e9 if times.count else 0.0 for share in (0.5, 0.9, 0.99, 0.999, 1)
    ]
    p50_s, p90_s, p99_s, p999_s, max_s = quantiles_s
    return Distribution(
        requests=times.count,
        errors=errors,
        mean_s=times.mean / 1e9,
        p50_s=p50_s,
        p90_s=p90_s,
        p99_s=p99_s,
        p999_s=p999_s,
        max_s=max_s,
    )


def _lost(workers: Sequence[ClusterWorker], missing: int) -> str:
    lost = sum(worker.is_lost for worker in workers)
    if not lost:
        return ""
    return f"{lost} of {len(workers)} workers were lost: {missing} requests are missing"


def _uncounted(shares: Sequence[Header]) -> str:
    """A report that was lost or counted twice."""
    for share in shares:
        if share.get("count", share["ended"]) != share["ended"]:
            return f"{share['name']} counts {share['count']} requests, its reports {share['ended']}"
    return ""


def _late(lag_p99_s: float, times: Distribution, arrivals: Arrivals) -> str:
    is_invalid = is_late(lag_p99_s, times.p99_s)
    return late_text(lag_p99_s, times.p99_s, arrivals.rate_rps) if is_invalid else ""
