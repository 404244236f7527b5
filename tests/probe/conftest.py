"""A probe folder for processes of an application, or for this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import TOKEN, Probe

from pinchpoint_probe import sites, state, wire
from pinchpoint_probe.sink import Sink


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Record in this process, with this folder as the user's code; the folder of the rings."""
    monkeypatch.setattr(state, "sink", Sink(str(tmp_path)))
    monkeypatch.setattr(state, "control", bytearray([1]) * wire.CONTROL_BYTES)
    monkeypatch.setattr(state, "token", TOKEN)
    monkeypatch.setattr(state, "user_code", (str(Path(__file__).parent),))
    sites.reset()
    return tmp_path


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path / "probe", tmp_path / "app")


@pytest.fixture(scope="module")
def shared_probe(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """For what several tests of a file read and none changes."""
    folder = tmp_path_factory.mktemp("shared")
    return Probe(folder / "probe", folder / "app")
