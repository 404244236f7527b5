"""Load on the apps with planted causes, under their real servers, as the tool offers it."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from pinchpoint.launch import choose_deployment, launch
from pinchpoint.launch.guardian import guard
from pinchpoint.launch.services import postgresql
from pinchpoint.load.engines.openloop import OpenLoop
from pinchpoint.model.app import App, Framework, Interface
from pinchpoint.model.recording import Recording
from pinchpoint.model.workload import Arrivals, RequestTemplate, Workload
from pinchpoint.pipeline.stand import Observer, engine_starter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.launch.guardian import Guardian

APPS = Path(__file__).parent / "probe_apps"
NOWHERE = "postgresql+psycopg://"
"""For apps whose endpoints ask no database."""
WARM_UP = Arrivals(rate_rps=20, duration_s=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """How an app is run, and what it is asked for.

    Attributes:
        name: For the reader.
        server: A file in `launch/servers`.
        threads: Of its one worker; 0 for the server's default.
        paths: Endpoints of the app, all as often.
    """

    name: str
    server: str
    paths: tuple[str, ...]
    threads: int = 0

    @property
    def is_asgi(self) -> bool:
        """Served by an event loop."""
        return self.server in {"uvicorn", "hypercorn"}

    @property
    def app(self) -> App:
        """The app, without its database."""
        return App(
            target="planted_fastapi:app" if self.is_asgi else "planted_flask:app",
            interface=Interface.ASGI if self.is_asgi else Interface.WSGI,
            framework=Framework.FASTAPI if self.is_asgi else Framework.FLASK,
            directory=APPS,
            python=Path(sys.executable),
            environment={"PYTHONDONTWRITEBYTECODE": "1"},
        )


class Stand:
    """A started app with its load engine."""

    def __init__(self, recording: Recording, loop: OpenLoop, observer: Observer) -> None:
        self.loop = loop
        self._recording = recording
        self._observer = observer

    def capacity_rps(self, duration_s: float) -> float:
        """Answers per second while eight requests are in flight; nothing is recorded."""
        batches = list(self.loop.closed(8, duration_s, "plateau"))
        return sum(one.completions for one in batches) / sum(one.duration_s for one in batches)

    def open(self, rate_rps: float, duration_s: float, purpose: str = "pin") -> None:
        """Record one step of an open loop."""
        with self._observer.recording():
            self.loop.open(Arrivals(rate_rps=rate_rps, duration_s=duration_s), purpose)

    def crowd(self, in_flight: int, duration_s: float) -> None:
        """Record one step of a closed loop."""
        with self._observer.recording():
            for _ in self.loop.closed(in_flight, duration_s, "pin"):
                pass

    def recording(self) -> Recording:
        """All steps so far."""
        return replace(self._recording, steps=tuple(self.loop.steps))


@contextmanager
def stand(guardian: Guardian, planted: Planted, url: str = NOWHERE) -> Iterator[Stand]:
    """Run an app until the block ends, warmed up.

    Args:
        guardian: Owns its processes.
        planted: How.
        url: Of its database, for SQLAlchemy.
    """
    app = planted.app
    deployment = replace(
        choose_deployment(app, planted.server, workers=1, threads=planted.threads),
        environment={"PLANTED_URL": url},
    )
    templates = (RequestTemplate(endpoint=f"GET {path}", paths=(path,)) for path in planted.paths)
    workload = Workload(templates=tuple(templates))
    with ExitStack() as stack:
        running, probe, child = stack.enter_context(launch(guardian, app, deployment))
        observer = stack.enter_context(closing(Observer(child, probe, running)))
        loop = OpenLoop(
            start=engine_starter(guardian),
            workload=workload,
            base_url=running.base_url,
            observer=observer,
        )
        stack.enter_context(closing(loop))
        loop.open(WARM_UP, "warm-up")
        recording = Recording(app=app, deployment=deployment, workload=workload, steps=())
        yield Stand(recording, loop, observer)


@contextmanager
def database() -> Iterator[tuple[Guardian, str]]:
    """A guardian and the URL of its private PostgreSQL with the table that the apps read."""
    with guard() as guardian:
        url = postgresql.start(guardian).url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
            connection.execute("INSERT INTO item SELECT n, 'item' FROM generate_series(1, 1000) n")
        yield guardian, url.replace("postgresql://", "postgresql+psycopg://", 1)
