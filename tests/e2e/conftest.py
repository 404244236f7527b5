"""One private PostgreSQL for the apps of the end-to-end tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from apps_environment import APPS, prepare
from command_line import Result, private_temporary_folder

from pinchpoint.cli import main
from pinchpoint.launch.guardian import guard
from pinchpoint.launch.services import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A running server, without a database in the URL."""
    with guard() as guardian:
        yield postgresql.start(guardian).url.rpartition("/")[0]


@pytest.fixture(scope="session")
def database_of(server_url: str) -> Callable[[str], str]:
    """The URL of an app's filled database; each app's is filled once."""
    known: dict[str, str] = {}

    def url(app: str) -> str:
        if app not in known:
            with psycopg.connect(f"{server_url}/postgres", autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{app}"')
            known[app] = f"{server_url}/{app}"
            prepare(APPS / app, known[app])
        return known[app]

    return url


@pytest.fixture
def pinchpoint_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run `pinchpoint ARGUMENTS` in this process, in the test's folder: for what ends early."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        status = int(ended.value.code or 0)
        return Result(status=status, output=said.out, errors=said.err, report={})

    return run


@pytest.fixture
def own_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the runs of this test have their temporary folders, apart from those of others."""
    with private_temporary_folder() as folder:
        monkeypatch.setenv("TMPDIR", str(folder))
        yield folder
