"""Set the stage for `pinchpoint demo`: a database full of orders and a partner that is slow."""

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pinchpoint import demo
from pinchpoint.errors import LaunchError
from pinchpoint.launch.services import HOST, free_port, postgresql

if TYPE_CHECKING:
    from pinchpoint.launch.guardian import Guardian
    from pinchpoint.model.app import App
    from pinchpoint.pipeline.measure import Progress
    from pinchpoint.settings import Settings

ACCEPT_TIMEOUT_S = 10.0


def prepare(guardian: Guardian, settings: Settings, progress: Progress) -> Settings:
    """Start the shop's services and return the settings that check the shop."""
    progress.stage("services", "a private PostgreSQL")
    database = postgresql.start(guardian)
    progress.stage("services", f"PostgreSQL {database.version}: filling the tables")
    from pinchpoint.demo import data  # psycopg comes with the extra, as the database does

    data.fill(database.url)
    rates_url = _start_rates(guardian)
    progress.done(
        f"a private PostgreSQL {database.version} with {data.ROWS['orders']:,} orders,"
        " a partner that takes its time"
    )
    return replace(
        settings,
        app=demo.TARGET,
        app_directory=demo.FOLDER,
        python=sys.executable,
        environment={"DATABASE_URL": database.url, "RATES_URL": rates_url},
    )


def is_demo(app: App) -> bool:
    """Whether an application is the sick shop, which needs its services."""
    return app.directory == demo.FOLDER


def _start_rates(guardian: Guardian) -> str:
    port = free_port()
    child = guardian.start(
        [sys.executable, str(demo.RATES), "--port", str(port)],
        name="rates",
        cwd=demo.FOLDER,
        environment=dict(os.environ),
        log=guardian.folder / "rates.log",
    )
    deadline = time.monotonic() + ACCEPT_TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return f"http://{HOST}:{port}"
    raise LaunchError(f"the demo's rates service did not start:\n{child.tail()}")
