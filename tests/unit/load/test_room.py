"""What the machine has no room for is said before the run."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from pinchpoint.errors import LaunchError
from pinchpoint.load import room

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "range").write_text("32768\t32867\n", "ascii")
    monkeypatch.setattr(room, "PORT_RANGE", tmp_path / "range")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1064))


def test_what_fits_is_not_mentioned() -> None:
    room.check_room(100)


def test_ports_may_be_too_few() -> None:
    with pytest.raises(LaunchError, match=r"101 connections need as many ports, .* gives out 100"):
        room.check_room(101)


def test_a_system_that_does_not_tell_its_ports_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "PORT_RANGE", tmp_path / "none")
    room.check_room(1_000)


def test_open_files_may_be_too_few() -> None:
    with pytest.raises(LaunchError, match=r"1001 connections need 1065 open files, .* 1064"):
        room.check_room(1_001)


@pytest.mark.parametrize(
    ("limits", "raised"),
    [((256, 4096), (1064, 4096)), ((256, 512), (512, 512)), ((4096, 4096), None)],
)
def test_the_soft_limit_is_raised_as_far_as_is_needed_and_allowed(
    limits: tuple[int, int], raised: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: set_to.append(both))
    room.raise_open_files(1_000)
    assert set_to == ([raised] if raised else [])
