"""Load an application from several machines: this one leads, the others work."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pinchpoint.launch.elsewhere import locate
from pinchpoint.launch.guardian import guard
from pinchpoint.load.cluster.leader import Cluster
from pinchpoint.model.workload import RequestTemplate, Workload
from pinchpoint.pipeline.stand import engine_starter
from pinchpoint.report.cluster import as_json, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.model.cluster import ClusterStep
    from pinchpoint.model.workload import Arrivals
    from pinchpoint.pipeline.measure import Progress


def lead(  # noqa: PLR0913  # what to load, how, and with whom
    url: str,
    paths: Sequence[str],
    loads: Sequence[Arrivals],
    progress: Progress,
    *,
    workers: int,
    bind: str,
    port: int,
    is_owned: bool,
) -> Iterator[ClusterStep]:
    """Wait for workers, then offer one load after the other.

    Args:
        url: Of the application, as the workers reach it.
        paths: What is asked for, in equal shares.
        loads: In the order in which they are offered.
        progress: Shows where it is.
        workers: How many to wait for.
        bind: Address to listen on for them.
        port: To listen on; 0 for a free one.
        is_owned: The user owns a host that is not this machine.

    Raises:
        PinchpointError: With the exit status that says what stood in the way.
    """
    running = locate(url, is_owned=is_owned)
    workload = Workload(
        templates=tuple(RequestTemplate(endpoint=f"GET {path}", paths=(path,)) for path in paths)
    )
    with (
        guard() as guardian,
        closing(
            Cluster(
                start=engine_starter(guardian, "cluster"),
                workload=workload,
                base_url=running.base_url,
                workers=workers,
                bind=bind,
                port=port,
            )
        ) as cluster,
    ):
        progress.stage("cluster", f"waiting for {workers} workers on port {cluster.port}")
        progress.done(f"listening on {bind}:{cluster.port} for {workers} workers")
        cluster.gather()
        for arrivals in loads:
            progress.stage("load", f"{arrivals.rate_rps:.3g} req/s for {arrivals.duration_s:.0f} s")
            yield cluster.open(arrivals)


__all__ = ["as_json", "as_text", "lead"]
