"""The demo's promises: each planted line exists, answers repeat, the data lack one index."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pinchpoint import demo
from pinchpoint.demo import PLANTED, Planted, data, rates

if TYPE_CHECKING:
    from pathlib import Path

SHOP = sorted((demo.FOLDER / "shop").glob("*.py"))


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.code)
def test_planted_text_is_on_the_guilty_line(planted: Planted) -> None:
    source = (demo.FOLDER / planted.file).read_text().splitlines()
    assert planted.contains in source[planted.line() - 1]


def test_one_cause_of_each_kind_is_planted() -> None:
    assert sorted(planted.code for planted in PLANTED) == ["AS001", "DB001", "DB002", "PL002"]


def test_each_cause_has_an_endpoint_of_its_own() -> None:
    assert len({planted.endpoint for planted in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.code)
def test_endpoint_is_answered_by_the_planted_function(planted: Planted) -> None:
    source = (demo.FOLDER / planted.file).read_text()
    method, path = planted.endpoint.split()
    route = rf'@app\.{method.lower()}\("{re.escape(path)}"\)\n(async )?def {planted.function}\('
    assert re.search(route, source)


@pytest.mark.parametrize("file", SHOP, ids=lambda file: file.name)
def test_shop_does_not_import_pinchpoint(file: Path) -> None:
    assert not re.search(r"^\s*(import|from) pinchpoint", file.read_text(), re.MULTILINE)


def place(folder: Path, source: str) -> Planted:
    (folder / "app.py").write_text(source)
    return Planted(code="X", endpoint="GET /", file="app.py", function="f", contains="slow()")


def test_line_is_looked_for_in_the_function_only(tmp_path: Path) -> None:
    planted = place(tmp_path, "slow()\ndef f():\n    slow()\nslow()\n")
    assert planted.line(tmp_path) == 3


@pytest.mark.parametrize(
    "source",
    ["def f():\n    slow()\n    slow()\n", "def f():\n    quick()\n", "def g():\n    slow()\n"],
    ids=["on two lines", "on no line", "in another function"],
)
def test_line_that_is_not_clear_is_an_error(tmp_path: Path, source: str) -> None:
    with pytest.raises(ValueError, match=r"slow\(\)"):
        place(tmp_path, source).line(tmp_path)


def test_data_are_the_same_each_time() -> None:
    sql = " ".join(data.STATEMENTS).lower()
    assert not re.search(r"random|now\(|current_|clock_", sql)


def test_only_primary_keys_are_indexed() -> None:
    assert not re.search(r"index|unique", " ".join(data.STATEMENTS), re.IGNORECASE)


def test_partner_knows_the_rate_that_the_shop_asks_for() -> None:
    assert rates.answer("/rates/USD") == {"currency": "USD", "rate": 1.08}


@pytest.mark.parametrize("path", ["/", "/rates", "/rates/XXX", "/other/USD"])
def test_partner_finds_nothing_elsewhere(path: str) -> None:
    assert rates.encode(rates.answer(path)).startswith(b"HTTP/1.1 404 ")


def test_partner_tells_the_length_of_its_answer() -> None:
    head, _, body = rates.encode(rates.answer("/currencies")).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body) == ["CHF", "EUR", "GBP", "JPY", "SEK", "USD"]
