"""Run code with a connection of a PostgreSQL driver inside of a recorded request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from postgres_fixture import PostgreSQL
    from running import Probe

BEGIN = """
from pinchpoint_probe import patching, postimport, spans, state
import {driver}
frame = spans.begin(7, 0)
spans.current.set(frame)
connection = {driver}.connect("{dsn}")
cursor = connection.cursor()
"""


def run(probe: Probe, shop: PostgreSQL, driver: str, code: str, **options: str) -> str:
    begin = BEGIN.format(driver=driver, dsn=shop.dsn())
    end = "\nassert not postimport.failures, postimport.failures\n"
    return probe.run(begin + code + end, **options)


def guard(probe: Probe, *, is_on: bool = True) -> None:
    with (probe.folder / "control").open("r+b") as control:
        control.seek(wire.CONTROL_GUARD)
        control.write(bytes([is_on]))


GUARD = """
with open(state.directory + "/control", "r+b") as control:
    control.seek(1)
    control.write(b"\\x01")
"""
