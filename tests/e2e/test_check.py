"""`pinchpoint check` on small apps that were written by other people, in their environments."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from apps_environment import APPS, environment, partner, planted
from command_line import pinchpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _pytest.mark import ParameterSet
    from command_line import Result

pytestmark = pytest.mark.e2e

RAN = (0, 4)
"""A busy machine may make the figures void (4, and the report says so); what is found, and
what is not, must be right all the same."""
SERVERS = {
    "flask_library": ("--server=gunicorn", "--workers=1", "--threads=4"),
    "django_clinic": ("--server=gunicorn", "--workers=2"),
    "fastapi_fleet": ("--server=uvicorn",),
}


def _apps(always: str) -> list[ParameterSet]:
    """All of them in `just soak`; only one of them always, as each takes most of a minute."""
    return [
        pytest.param(name, marks=() if name == always else pytest.mark.soak) for name in SERVERS
    ]


@contextlib.contextmanager
def _variables(name: str, url: str) -> Iterator[dict[str, str]]:
    """What the app's process needs; its partner runs meanwhile if it has one."""
    with contextlib.ExitStack() as stack:
        variables = {"DATABASE_URL": url}
        if (APPS / name / "partner.py").exists():
            variables["PARTNER_URL"] = stack.enter_context(partner(APPS / name))
        yield variables


def _check(name: str, url: str, folder: Path, *options: str) -> Result:
    with _variables(name, url) as variables:
        return pinchpoint(
            "check",
            str(APPS / name),
            f"--python={environment(APPS / name)}",
            "--json=report.json",
            *options,
            folder=folder,
            **variables,
        )


@pytest.mark.parametrize("name", _apps(always="flask_library"))
def test_names_the_planted_causes_with_their_lines(
    name: str, database_of: Callable[[str], str], tmp_path: Path
) -> None:
    found = _check(name, database_of(name), tmp_path, "--quick", "--no-prove", *SERVERS[name])
    assert found.status in RAN, found.output + found.errors
    for cause in planted(APPS / name):
        finding = found.finding(cause.code, cause.endpoint)
        assert Path(finding["file"]).name == Path(cause.file).name
        assert finding["line"] == cause.line(APPS / name)
        assert finding["evidence"]


@pytest.mark.parametrize("name", _apps(always="django_clinic"))
def test_is_silent_on_the_healthy_control(
    name: str, database_of: Callable[[str], str], tmp_path: Path
) -> None:
    healthy = f"{name}_healthy"
    url = database_of(healthy)
    found = _check(healthy, url, tmp_path, "--quick", "--no-prove", *SERVERS[name])
    assert found.status in RAN, found.output + found.errors
    assert found.report["findings"] == []
    is_void = bool(found.report["quality"]["violations"])
    assert is_void == (found.status == 4)
    assert is_void or found.report["verdict"]["capacity_rps"] > 0


def test_nothing_is_written_called_or_sent(
    database_of: Callable[[str], str], tmp_path: Path
) -> None:
    url = database_of("flask_unsafe")
    app = APPS / "flask_unsafe"
    found = pinchpoint(
        "routes", str(app), f"--python={environment(app)}", folder=tmp_path, DATABASE_URL=url
    )
    assert found.status == 0, found.output + found.errors
    assert "load  GET /visits  " in found.output
    assert "skip  GET /visit: writes to the database" in found.output
    assert "skip  GET /weather: reaches outside: " in found.output
    assert "skip  GET /remind: reaches outside: smtp" in found.output
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT visits FROM page").fetchone() == (0,)
