"""Commands on runs that are there already: compare, gate, history, prove."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from building import recording_of, request, step
from pinchpoint.model.capacity import Capacity, CapacityState
from pinchpoint.model.report import Report
from pinchpoint.report import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_line import Result

    from pinchpoint.model.recording import Recording

pytestmark = pytest.mark.e2e


def recording(response_ms: float) -> Recording:
    requests = [
        request("GET /", at_ms=100 * number, app_ms=response_ms + 0.01 * (number % 7))
        for number in range(100)
    ]
    return recording_of(step(*requests, purpose="load", rate_rps=10))


def stored(  # noqa: PLR0913  # each is one property of a run
    folder: Path,
    name: str,
    rate_rps: float,
    *,
    response_ms: float = 10,
    state: CapacityState = CapacityState.SATURATED,
    seen: Recording | None = None,
) -> None:
    """A run that lies in a folder."""
    capacity = Capacity(
        rate_rps=rate_rps,
        low_rps=0.98 * rate_rps,
        high_rps=1.02 * rate_rps,
        in_flight=8,
        state=state,
    )
    place = folder / ".pinchpoint" / name
    place.mkdir(parents=True)
    report = Report(run_id=name, title="shop:app", capacity=capacity)
    store.save(place, report, seen or recording(response_ms))
    (place / "report.json").write_text(json.dumps({}), "utf-8")


def test_a_gate_passes_what_is_as_fast(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    stored(tmp_path, "1", 100)
    stored(tmp_path, "2", 98, response_ms=10.1)
    said = pinchpoint_here("gate", "--baseline=1")
    assert (said.status, said.output) == (0, "no regression beyond 10%\n")


def test_a_gate_fails_what_is_slower(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    stored(tmp_path, "1", 100)
    stored(tmp_path, "2", 70, response_ms=20)
    said = pinchpoint_here("gate", "2", "--baseline=1")
    assert said.status == 1
    assert "REGRESSED  the capacity is x0.70" in said.output
    assert "REGRESSED  GET / takes x2.0" in said.output


def test_a_gate_does_not_judge_what_was_not_measured(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    stored(tmp_path, "1", 100)
    stored(tmp_path, "2", 70, state=CapacityState.UNSTABLE)
    assert pinchpoint_here("gate", "--baseline=1").status == 4


def test_a_gate_needs_a_baseline(pinchpoint_here: Callable[..., Result]) -> None:
    said = pinchpoint_here("gate")
    assert said.status == 2
    assert "--baseline" in said.errors


def test_compare_shows_and_never_fails(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    stored(tmp_path, "1", 100)
    stored(tmp_path, "2", 70, response_ms=20)
    said = pinchpoint_here("compare", "1")
    assert said.status == 0
    assert "CAPACITY   x0.70" in said.output
    assert "SLOWER     GET /: 10 ms → 20 ms" in said.output


def test_history_shows_what_can_be_read(
    pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    stored(tmp_path, "1", 100)
    stored(tmp_path, "2", 70)
    (tmp_path / ".pinchpoint/2" / store.ANALYSIS).write_bytes(b"broken")
    said = pinchpoint_here("history")
    first, second = said.output.splitlines()
    assert said.status == 0
    assert first.split() == ["1", "100", "req/s", "(saturated)", "no", "findings", "shop:app"]
    assert second.startswith("2 ")
    assert "is not a report" in second


@pytest.mark.parametrize("how", ["from outside", "by a command"])
def test_nothing_is_proven_on_an_app_that_cannot_be_started_again(
    how: str, pinchpoint_here: Callable[..., Result], tmp_path: Path
) -> None:
    seen = recording(10)
    if how == "from outside":
        seen = replace(seen, is_outside=True)
    else:
        seen = replace(seen, app=replace(seen.app, command=("gunicorn", "shop:app")))
    stored(tmp_path, "1", 100, seen=seen)
    said = pinchpoint_here("prove", "last", "workers=4")
    assert said.status == 2
    assert "was not started by 'pinchpoint check'" in said.errors
