"""What flags, environment and the project's table become."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from pinchpoint.cli.options import (
    BUDGET_OPTION,
    EFFORT_OPTIONS,
    LOAD_OPTIONS,
    RUN_OPTIONS,
    ProjectCommand,
    options,
    settings_from,
)
from pinchpoint.errors import UsageError
from pinchpoint.model.objective import parse_objective
from pinchpoint.settings import Effort

if TYPE_CHECKING:
    from pinchpoint.settings import Settings

TABLE = """
[tool.pinchpoint]
headers = { Authorization = "Bearer $TOKEN" }
[tool.pinchpoint.traffic]
source = "access.log"
weights = { "GET /" = 2 }
"""


@click.command(cls=ProjectCommand)
@options(*RUN_OPTIONS)
def _command(**values: Any) -> Settings:
    return settings_from(values)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("access.log", "other.log"):
        (tmp_path / name).touch()
    return tmp_path


def _settings(*arguments: str, **environment: str) -> Settings:
    runner = CliRunner(env=environment)
    found = runner.invoke(_command, arguments, standalone_mode=False, catch_exceptions=False)
    assert found.exception is None, found.output
    settings: Settings = found.return_value
    return settings


def test_the_table_names_files_and_headers(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(TABLE, "utf-8")
    found = _settings(TOKEN="abc")
    assert found.traffic_files == (Path("access.log"),)
    assert found.traffic["weights"] == {"GET /": 2}
    assert found.headers == (("Authorization", "Bearer abc"),)
    assert found.origins["headers"] == "pyproject.toml"


def test_a_flag_wins_over_the_environment_and_that_over_the_table(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(TABLE, "utf-8")
    environment = {"PINCHPOINT_HEADER": "A: 1\nB: 2 3", "TOKEN": "abc"}
    assert _settings(**environment).headers == (("A", "1"), ("B", "2 3"))
    found = _settings("--header", "C: 4", "--traffic", "other.log", **environment)
    assert found.headers == (("C", "4"),)
    assert found.traffic_files == (Path("other.log"),)


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_not_there_is_an_error() -> None:
    found = CliRunner().invoke(_command, ["--traffic", "acces.log"])
    assert found.exit_code == 2
    assert "'acces.log' does not exist" in found.output


@pytest.mark.parametrize("table", ["traffic = 3", "[tool.pinchpoint.traffic]\nsource = 3"])
def test_a_wrong_table_of_traffic_is_an_error(table: str, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.pinchpoint]\n{table}\n", "utf-8")
    with pytest.raises(UsageError, match=r"tool\.pinchpoint\.traffic"):
        _settings()


@pytest.mark.usefixtures("folder")
class TestLoad:
    """--slo, --rate and --budget."""

    def test_an_objective_is_read(self) -> None:
        assert _load("--slo", "p99<500ms").slo == parse_objective("p99<500ms")

    def test_the_table_may_list_its_parts(self, folder: Path) -> None:
        table = '[tool.pinchpoint]\nslo = ["p(99)<500ms", "error_rate<1%"]\n'
        (folder / "pyproject.toml").write_text(table, "utf-8")
        assert _load().slo == parse_objective("p(99)<500ms,error_rate<1%")

    def test_a_typo_in_an_objective_is_a_usage_error(self) -> None:
        with pytest.raises(UsageError, match="knows no 'p99s'"):
            _load("--slo", "p99s<500ms")

    @pytest.mark.parametrize(("text", "budget_s"), [("90", 90), ("90s", 90), ("2.5 m", 150)])
    def test_a_budget_has_a_unit(self, text: str, budget_s: float) -> None:
        assert _load("--budget", text).budget_s == budget_s

    def test_a_short_budget_is_spent_quickly(self) -> None:
        assert _load("--budget", "90s").effort is Effort.QUICK
        assert _load("--budget", "90s", "--thorough").effort is Effort.THOROUGH
        assert _load("--budget", "5m").effort is Effort.NORMAL

    @pytest.mark.parametrize("arguments", [("--budget", "2x"), ("--rate", "0"), ("--rate", "-1")])
    def test_what_cannot_be_is_refused(self, arguments: tuple[str, str]) -> None:
        with pytest.raises(click.BadParameter):
            _load(*arguments)

    def test_left_out_they_ask_for_nothing(self) -> None:
        found = _load()
        assert (found.slo, found.rate_rps, found.budget_s) == (None, 0.0, 0.0)


@click.command(cls=ProjectCommand)
@options(*LOAD_OPTIONS, *EFFORT_OPTIONS, BUDGET_OPTION)
def _load_command(**values: Any) -> Settings:
    return settings_from(values)


def _load(*arguments: str) -> Settings:
    runner = CliRunner()
    found = runner.invoke(_load_command, arguments, standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    settings: Settings = found.return_value
    return settings
