"""The load benchmark claims nothing that it has not measured."""

from __future__ import annotations

import json

import pytest

import load
import load_rows
from load_rows import Tools
from pinchpoint.errors import InconclusiveError
from rows import NotRunError, Row, at_least, at_most, geometric_mean, spread


def run(monkeypatch: pytest.MonkeyPatch, measure, *words: str) -> int:
    monkeypatch.setattr(load, "MEASURES", {"one": measure})
    monkeypatch.setattr("sys.argv", ["load.py", *words])
    return load.main()


@pytest.mark.parametrize(("value", "is_met"), [(0.89, False), (0.9, True), (0.91, True)])
def test_a_bar_is_met_from_the_bar_on(value: float, *, is_met: bool) -> None:
    found = spread([value], value)
    assert at_least("efficiency", found, n=1, bar=0.9).met is is_met
    assert at_most("lateness", found, n=1, bar=0.9).met is (value <= 0.9)


@pytest.mark.parametrize(("value", "status"), [(1.0, 0), (2.0, 1)])
def test_a_missed_bar_is_the_exit_status(
    value: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = at_most("error", spread([value], value), n=1, bar=1)
    assert run(monkeypatch, lambda *_: iter([row])) == status


@pytest.mark.parametrize("error", [NotRunError("wrk missing"), InconclusiveError("void")])
def test_what_cannot_be_measured_is_not_met(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(*_: object):
        yield Row(name="before", value=1.0)
        raise error

    assert run(monkeypatch, measure) == 1
    assert f"not run: {error}" in capsys.readouterr().out


def test_a_missing_tool_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(load_rows, "SYSTEM_FOLDERS", ())
    with pytest.raises(NotRunError, match=r"wrk missing \(apt install wrk\)"):
        Tools(nginx=None, wrk=None, locust=None).find_wrk()


def test_rows_that_are_not_measured_again_stay_in_the_file(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "load.json"
    for row in (Row(name="a", value=1.0), Row(name="b", value=2.0), Row(name="a", value=3.0)):
        run(monkeypatch, lambda *_, row=row: iter([row]), "--json", str(file))
    rows = json.loads(file.read_text("utf-8"))["rows"]
    assert [(row["name"], row["value"]) for row in rows] == [("a", 3.0), ("b", 2.0)]


def test_opposite_ratios_cancel() -> None:
    value, low, high = geometric_mean([0.5, 2.0, 0.5, 2.0])
    assert value == pytest.approx(1)
    assert low * high == pytest.approx(1)
