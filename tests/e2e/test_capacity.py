"""Objectives, fixed rates, limits of time, applications that refuse."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from apps_environment import APPS
from command_line import pinchpoint, processes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command_line import Result

pytestmark = pytest.mark.e2e


def check(app: str, folder: Path, *options: str) -> Result:
    command = ("check", str(APPS / "bad" / app), f"--python={sys.executable}", "--quick")
    return pinchpoint(*command, "--no-prove", *options, "--json=report.json", folder=folder)


def test_a_rate_limiter_is_named_and_ends_the_run(tmp_path: Path, own_runs: Path) -> None:
    found = check("rate_limited.py", tmp_path)
    assert found.status == 4, found.errors
    assert found.report["quality"]["stopped"].startswith("429 Too Many Requests in ")
    assert found.report["verdict"]["state"] == "failed"
    assert processes_of(own_runs) == []


def test_a_run_ends_within_its_budget_and_says_what_is_left_out(
    tmp_path: Path, own_runs: Path
) -> None:
    found = check("steady.py", tmp_path, "--budget=6s")
    assert found.status == 4, found.errors
    assert "--budget" in found.report["quality"]["stopped"]
    assert any(text.startswith("left out: ") for text in found.report["quality"]["warnings"])
    assert processes_of(own_runs) == []


def test_a_typo_in_an_objective(pinchpoint_here: Callable[..., Result]) -> None:
    found = pinchpoint_here("check", "--slo=p99<500")
    assert found.status == 2
    assert "needs a time above 0 with us, ms or s" in found.errors


@pytest.mark.soak
@pytest.mark.parametrize(("slo", "is_met"), [("p99<60s,errors<1%", True), ("p99<1us", False)])
def test_an_objective_is_judged_at_the_rate_that_was_asked_for(
    tmp_path: Path, slo: str, *, is_met: bool
) -> None:
    found = check("steady.py", tmp_path, "--rate=20", f"--slo={slo}")
    verdict = found.report["verdict"]
    assert verdict["state"] == "not-sought"
    assert verdict["objective"]["is_met"] is is_met
    assert found.status in {0 if is_met else 1, 4}  # 4: a busy machine makes the run void


@pytest.mark.soak
def test_a_rate_without_end_is_stopped(tmp_path: Path, own_runs: Path) -> None:
    found = check("steady.py", tmp_path, "--rate=20000")
    assert found.status == 4
    assert found.report["quality"]["stopped"].startswith("timeout in ")
    assert processes_of(own_runs) == []
