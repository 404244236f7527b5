"""A test stand: one started application with its load engine, observed on one axis of time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.errors import InconclusiveError, LaunchError, StoppedError
from pinchpoint.launch import launch
from pinchpoint.launch.guardian import Child
from pinchpoint.launch.inject import Probe
from pinchpoint.load.engines.locust import LocustUsers
from pinchpoint.load.engines.openloop import OpenLoop
from pinchpoint.model.recording import ProbeState, ResourceSample, Step
from pinchpoint.model.running import Running
from pinchpoint.observe.collectors import procfs
from pinchpoint.observe.stream import Reader, Records
from pinchpoint.pipeline.traffic import locustfile_of
from pinchpoint.walk import Client

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pinchpoint.errors import PinchpointError
    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.app import App, Deployment
    from pinchpoint.model.sample import Sample
    from pinchpoint.model.target import Engine
    from pinchpoint.model.workload import Arrivals, Workload
    from pinchpoint.observe.watch import Watch
    from pinchpoint.settings import Settings
    from pinchpoint.walk import Visit

DATABASES = ("postgres", "mysqld", "mariadbd")
"""Process names whose CPU counts as the database's, if it runs on this machine."""
TRACE_WAIT_S = 2.0
"""A request's record is written when its body ends: just after the client has it, unless the
machine is busy. Without it a route that writes could not be told from one that does not."""


class Observer:
    """Joins what the probe wrote and the CPU that was used to each step of the engine."""

    def __init__(self, child: Child, probe: Probe, running: Running) -> None:
        self._child = child
        self._probe = probe
        self._running = running
        self._reader = Reader(probe.folder)
        self._databases = procfs.named(DATABASES)
        self._is_recording = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._records = Records()
        self._before: Mapping[str, tuple[float, float]] = {}
        self._active_before_s: Mapping[str, float] = {}
        self._watch: Watch | None = None
        self._watching = ExitStack()

    def watch(self, watch: Watch) -> None:
        """From now on, stop the load where something runs out."""
        self._watch = watch

    def close(self) -> None:
        """Let go of the workers' files."""
        self._watching.close()
        self._reader.close()

    @contextmanager
    def recording(self) -> Generator[None]:
        """Let the probe record the steps inside."""
        self._probe.set_recording(on=True)
        self._is_recording = True
        try:
            yield
        finally:
            self._is_recording = False
            self._probe.set_recording(on=False)

    def records(self) -> Records:
        """What was recorded since the last call."""
        return self._reader.collect()

    def app_cpu_s(self) -> float:
        """CPU time of the application's processes so far."""
        return procfs.usage([self._child.pid])[0]

    def begin(self) -> None:
        """A step begins."""
        if self._is_recording:
            self._active_before_s = self._active_s()
            self._reader.skip()
            self._stop.clear()
            self._thread = threading.Thread(target=self._collect, name="reader", daemon=True)
            self._thread.start()
        if self._watch is not None:
            self._watching.enter_context(self._watch.watching())
        self._before = self._usage()

    def end(  # noqa: PLR0913  # the facts of one step
        self,
        *,
        purpose: str,
        arrivals: Arrivals | None,
        in_flight: int,
        start_ns: int,
        duration_s: float,
        samples: tuple[Sample, ...],
        generator: ResourceSample,
    ) -> Step:
        """A step has ended: what happened in it.

        Raises:
            StoppedError: It was ended because something ran out.
        """
        self._watching.close()
        resources = self._resources(duration_s)
        records, active_s = Records(), -1.0
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            records = self._records
            active_s = self._active_since_s()
        if self._watch is not None and self._watch.shortage:
            raise StoppedError(self._watch.shortage)
        return Step(
            purpose=purpose,
            start_ns=start_ns,
            duration_s=duration_s,
            arrivals=arrivals,
            in_flight=in_flight,
            samples=samples,
            traces=records.traces,
            holds=records.holds,
            resources=(*resources, generator),
            lost_records=records.lost,
            database_active_s=active_s,
        )

    def _active_since_s(self) -> float:
        """Time that the databases have executed statements in since the step began."""
        after_s = self._active_s()
        known = self._active_before_s.keys() & after_s.keys()
        return sum(after_s[name] - self._active_before_s[name] for name in known) if known else -1

    def _active_s(self) -> Mapping[str, float]:
        """Each database's account; asked until a worker answers that has opened one."""
        with suppress(LaunchError):  # it died under load, which is somebody else's to tell
            for _ in range(2 * self._running.deployment.workers):
                if found := self._running.ask("activity", {}).get("active_s"):
                    return dict(found)
        return {}

    def _collect(self) -> None:
        self._records = self._reader.collect(until=self._stop)

    def _usage(self) -> Mapping[str, tuple[float, float]]:
        return {
            "app": procfs.usage([self._child.pid]),
            "database": procfs.usage(self._databases),
            "machine": (procfs.machine_busy_s(), 0.0),
            "run": procfs.usage([os.getpid(), *self._databases]),
        }

    def _resources(self, duration_s: float) -> tuple[ResourceSample, ...]:
        after = self._usage()
        # One that ended meanwhile was somebody else's, and would make the sum run backwards.
        alive = procfs.alive(self._databases)
        is_database_known = bool(alive) and alive == self._databases
        self._databases = alive
        return tuple(
            ResourceSample(
                resource=name,
                cpu_s=max(0.0, after[name][0] - cpu_s),
                wait_s=max(0.0, after[name][1] - wait_s),
                capacity_s=duration_s * (os.cpu_count() or 1),
            )
            for name, (cpu_s, wait_s) in self._before.items()
            if name != "database" or is_database_known
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One started application, ready to be walked and loaded."""

    running: Running
    probe: Probe
    child: Child
    observer: Observer
    start: Callable[[Sequence[str]], Child]
    headers: tuple[tuple[str, str], ...] = ()
    locustfile: Path | None = None
    seed: int = 1

    def engine(self, workload: Workload) -> Engine:
        """A load engine for a workload, in a process of its own; close it after use."""
        if self.locustfile is not None:
            return LocustUsers(
                start=self.start,
                locustfile=self.locustfile,
                workload=workload,
                base_url=self.running.base_url,
                observer=self.observer,
                seed=self.seed,
            )
        return OpenLoop(
            start=self.start,
            workload=with_headers(workload, self.headers),
            base_url=self.running.base_url,
            observer=self.observer,
        )

    def visitor(self) -> Callable[[str, str], Visit]:
        """Sends one request and waits for what the probe saw of it."""
        client = Client(self.running, self.headers)

        def visit(endpoint: str, path: str) -> Visit:
            seen = client.get(endpoint, path)
            return self._with_trace(seen)

        return visit

    def _with_trace(self, seen: Visit) -> Visit:
        deadline = time.monotonic() + TRACE_WAIT_S
        while time.monotonic() < deadline:
            for trace in self.observer.records().traces:
                if trace.trace_id == seen.sample.trace_id:
                    return seen.with_trace(trace)
            time.sleep(0.002)
        return replace(seen, is_unobserved=True)

    def failure(self) -> PinchpointError:
        """Why no load could be offered."""
        status = self.child.poll()
        tail = self.child.tail(12)
        log = f"\n\nThe end of its log:\n{tail}" if tail else " and its log is empty"
        if status is not None:
            return LaunchError(f"the application died under load with exit status {status}{log}")
        return InconclusiveError(f"most answers were errors as soon as load was offered{log}")

    def probe_state(self) -> ProbeState:
        """What the probe says of itself."""
        answer = self.running.ask("state", {})
        return ProbeState(
            hooked=dict(answer.get("hooked", {})),
            failures=tuple(answer.get("failures", ())),
            workers=tuple(sorted(int(path.stem) for path in self.probe.folder.glob("*.ring"))),
            development_server=answer.get("development_server", ""),
            instruments=tuple(answer.get("instruments", ())),
            is_debug=bool(answer.get("is_debug")),
        )


@contextmanager
def stand(  # noqa: PLR0913  # as `launch`
    guardian: Guardian,
    app: App,
    deployment: Deployment,
    settings: Settings,
    *,
    name: str = "app",
    databases: Mapping[str, str] | None = None,
    change: Mapping[str, object] | None = None,
) -> Generator[Stand]:
    """Start an application with its sessions read-only and the outside out of reach."""
    with (
        launch(
            guardian,
            app,
            deployment,
            name=name,
            port=settings.port if name == "app" else 0,
            timeout_s=settings.start_timeout_s,
            allowed_hosts=settings.allow_hosts,
            databases=databases,
            change=change,
        ) as (running, probe, child),
        observed(guardian, running, probe, child, settings, name=name) as one,
    ):
        yield one


@contextmanager
def observed(  # noqa: PLR0913  # what `launch` gives, and what is the stand's own
    guardian: Guardian,
    running: Running,
    probe: Probe,
    child: Child,
    settings: Settings,
    *,
    name: str = "app",
) -> Generator[Stand]:
    """Guard and observe an application that has the probe inside."""
    probe.set_guard(on=True)
    with closing(Observer(child, probe, running)) as observer:
        yield Stand(
            running=running,
            probe=probe,
            child=child,
            observer=observer,
            start=engine_starter(guardian, name),
            headers=settings.headers,
            locustfile=locustfile_of(settings),
            seed=settings.seed,
        )


def with_headers(workload: Workload, headers: Sequence[tuple[str, str]]) -> Workload:
    """A workload as it is sent; what is recorded and reported has no secrets in it."""
    templates = (
        replace(template, headers=(*template.headers, *headers)) for template in workload.templates
    )
    return replace(workload, templates=tuple(templates))


def engine_starter(guardian: Guardian, name: str = "app") -> Callable[[Sequence[str]], Child]:
    """What starts the processes of a load engine: the guardian, so that they end with the run."""

    def start(command: Sequence[str]) -> Child:
        return guardian.start(
            command,
            name=f"load-{name}",
            cwd=guardian.folder,
            environment=dict(os.environ),
            log=guardian.folder / f"load-{name}.log",
        )

    return start
