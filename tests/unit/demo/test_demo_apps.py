"""The apps of the end-to-end tests say truly what is planted in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pinchpoint.demo import Planted

APPS = Path(__file__).parents[2] / "e2e" / "apps"
PLANTED = [
    (file.parent, Planted(**entry))
    for file in sorted(APPS.glob("*/planted.json"))
    for entry in json.loads(file.read_text())
]


@pytest.mark.parametrize(
    ("folder", "planted"),
    PLANTED,
    ids=[f"{folder.name}-{planted.code}" for folder, planted in PLANTED],
)
def test_guilty_line_is_clear(folder: Path, planted: Planted) -> None:
    assert planted.line(folder) > 0


@pytest.mark.parametrize("healthy", sorted(APPS.glob("*_healthy")), ids=lambda folder: folder.name)
def test_healthy_app_has_no_guilty_line_left(healthy: Path) -> None:
    assert json.loads((healthy / "planted.json").read_text()) == []


@pytest.mark.parametrize("healthy", sorted(APPS.glob("*_healthy")), ids=lambda folder: folder.name)
def test_healthy_app_has_the_same_data(healthy: Path) -> None:
    sick = healthy.with_name(healthy.name.removesuffix("_healthy"))
    assert (healthy / "prepare.py").read_text() == (sick / "prepare.py").read_text()


@pytest.mark.parametrize("file", sorted(APPS.rglob("*.py")), ids=lambda file: str(file.name))
def test_app_knows_nothing_of_pinchpoint(file: Path) -> None:
    assert "pinchpoint" not in file.read_text()
