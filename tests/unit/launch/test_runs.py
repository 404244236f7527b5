"""What is swept, and above all what is not. No process is started or killed here."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import psutil
import pytest

from pinchpoint.errors import LaunchError
from pinchpoint.launch import runs
from pinchpoint.launch.guardian_process import MARK, identity

if TYPE_CHECKING:
    from pathlib import Path


def write_registry(base: Path, *entries: object) -> Path:
    folder = base / "run-old"
    folder.mkdir(parents=True)
    base.chmod(0o700)
    (folder / runs.REGISTRY).write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return folder


def test_this_process_is_itself() -> None:
    assert identity(os.getpid()) == identity(os.getpid()) != ""


def test_a_process_that_cannot_be_has_no_identity() -> None:
    assert identity(2**22 + 1) == ""


def test_a_process_with_a_used_again_id_survives(tmp_path: Path) -> None:
    entries = [{"pid": os.getppid(), "identity": "another boot:1"}]
    assert runs._survivors(tmp_path, entries) == set()


def test_a_child_that_was_gone_when_it_was_registered_matches_nothing(tmp_path: Path) -> None:
    assert runs._survivors(tmp_path, [{"pid": 2**22 + 1, "identity": ""}]) == set()


def test_a_registered_child_is_found(tmp_path: Path) -> None:
    parent = os.getppid()
    entries = [{"pid": parent, "identity": identity(parent)}]
    assert psutil.Process(parent) in runs._survivors(tmp_path, entries)


def test_this_process_is_never_found_by_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil.Process, "environ", lambda _self: {MARK: str(tmp_path)})
    assert psutil.Process() not in runs._survivors(tmp_path, [])


def test_a_dead_run_is_removed_and_its_notes_are_told(tmp_path: Path) -> None:
    folder = write_registry(
        tmp_path / "runs",
        {"job": 1, "note": "clone a"},
        {"job": 2, "note": "clone b"},
        {"job": 3, "note": ""},
        {"done": 1},
    )
    run = runs.begin(tmp_path / "runs")
    os.close(run.registry)
    assert not folder.exists()
    assert run.left_behind == ("clone b",)


def test_a_run_that_lives_is_left_alone(tmp_path: Path) -> None:
    first = runs.begin(tmp_path / "runs")
    second = runs.begin(tmp_path / "runs")
    assert first.folder.exists()
    os.close(first.registry)
    assert runs.sweep(tmp_path / "runs") == ()
    assert not first.folder.exists()
    assert second.folder.exists()
    os.close(second.registry)


def test_a_folder_without_a_registry_is_of_a_dead_run(tmp_path: Path) -> None:
    (tmp_path / "run-x").mkdir()
    runs.sweep(tmp_path)
    assert not (tmp_path / "run-x").exists()


def test_other_folders_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    runs.sweep(tmp_path)
    assert (tmp_path / "mine").exists()


def test_an_entry_that_was_cut_off_hides_none_before_it(tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "runs", {"job": 1, "note": "clone a"})
    with (folder / runs.REGISTRY).open("a") as registry:
        registry.write('{"job": 2, "no')
    assert runs.open_jobs(folder) == {1: "clone a"}


def test_a_base_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs").chmod(0o777)
    with pytest.raises(LaunchError, match="not private"):
        runs.begin(tmp_path / "runs")


def test_a_base_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "there")
    with pytest.raises(LaunchError, match="not private"):
        runs.begin(tmp_path / "runs")
