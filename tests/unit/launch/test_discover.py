from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.launch.discover import discover
from pinchpoint.launch.interpreter import find_python
from pinchpoint.model.app import Framework, Interface

if TYPE_CHECKING:
    from pathlib import Path

FLASK = """
from flask import Flask
app = Flask(__name__)
"""
FACTORY = """
from flask import Flask
def create_app(config=None):
    return Flask(__name__)
"""
FASTAPI = """
import fastapi
api: fastapi.FastAPI = fastapi.FastAPI()
"""

DJANGO = {
    "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'clinic.settings.dev')\n",
    "clinic/__init__.py": "",
    "clinic/settings/__init__.py": "",
    "clinic/settings/base.py": "SECRET_KEY = 'x'\nWSGI_APPLICATION = 'clinic.wsgi.application'\n",
    "clinic/settings/dev.py": "from clinic.settings.base import *\n",
    "clinic/wsgi.py": (
        "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    ),
}


@pytest.fixture(autouse=True)
def _no_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLASK_APP", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_py", ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), "utf-8")


def _find(folder: Path, asked: str = "") -> tuple[str, Interface, Framework]:
    app = discover(asked, folder, python=sys.executable)
    return app.target, app.interface, app.framework


def test_finds_a_flask_app(tmp_path: Path) -> None:
    _write(tmp_path, server_py=FLASK)
    assert _find(tmp_path) == ("server:app", Interface.WSGI, Framework.FLASK)


def test_finds_a_factory(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text(FACTORY, "utf-8")
    assert _find(tmp_path) == ("shop:create_app()", Interface.WSGI, Framework.FLASK)


def test_finds_a_fastapi_app_of_another_name_in_src(tmp_path: Path) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "src" / "shop" / "main.py").write_text(FASTAPI, "utf-8")
    app = discover("", tmp_path, python=sys.executable)
    assert (app.target, app.interface) == ("shop.main:api", Interface.ASGI)
    assert app.directory == tmp_path / "src"


def test_a_factory_named_without_parentheses_is_called(tmp_path: Path) -> None:
    _write(tmp_path, main_py=FACTORY)
    assert _find(tmp_path, "main:create_app")[0] == "main:create_app()"


def test_tests_and_environments_are_not_searched(tmp_path: Path) -> None:
    _write(tmp_path, tests__app_py=FLASK, env__lib__app_py=FLASK)
    (tmp_path / "env" / "pyvenv.cfg").write_text("", "utf-8")
    with pytest.raises(UsageError, match="no Flask, Django or FastAPI application found"):
        _find(tmp_path)


def test_the_projects_own_entrypoint_wins(tmp_path: Path) -> None:
    _write(tmp_path, app_py=FLASK, other_py=FASTAPI)
    text = '[tool.fastapi]\nentrypoint = "other:api"\n'
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    assert _find(tmp_path)[0] == "other:api"


def test_reads_flaskenv(tmp_path: Path) -> None:
    _write(tmp_path, app_py=FASTAPI, site_py=FLASK.replace("app =", "flask_app ="))
    (tmp_path / "site.py").rename(tmp_path / "web.py")
    (tmp_path / ".flaskenv").write_text("FLASK_APP=web.py\n", "utf-8")
    assert _find(tmp_path)[0] == "web:flask_app"


def test_finds_a_django_project(tmp_path: Path) -> None:
    manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'clinic.settings')\n"
    settings = "SECRET_KEY = 'x'\nWSGI_APPLICATION = 'clinic.wsgi.application'\n"
    wsgi = (
        "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    )
    (tmp_path / "clinic").mkdir()
    (tmp_path / "manage.py").write_text(manage, "utf-8")
    for name, text in (("settings", settings), ("wsgi", wsgi), ("__init__", "")):
        (tmp_path / "clinic" / f"{name}.py").write_text(text, "utf-8")
    app = discover("", tmp_path, python=sys.executable)
    assert (app.target, app.framework) == ("clinic.wsgi:application", Framework.DJANGO)
    assert app.environment == {"DJANGO_SETTINGS_MODULE": "clinic.settings"}


def test_an_import_error_shows_its_traceback(tmp_path: Path) -> None:
    _write(tmp_path, app_py=FLASK + "\nimport no_such_module\n")
    with pytest.raises(LaunchError, match="ModuleNotFoundError: No module named 'no_such_module'"):
        _find(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no application at 'nowhere'"):
        _find(tmp_path, "nowhere")


def test_an_installed_module_needs_no_attribute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "installed", shop__core_py=FLASK)
    (tmp_path / "installed" / "shop" / "__init__.py").write_text("from shop.core import *", "utf-8")
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    assert _find(tmp_path / "project", "shop")[0] == "shop:app"


def test_a_typo_in_a_modules_name_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no module shp in"):
        _find(tmp_path, "shp:app")


def test_a_typo_in_an_attribute_names_what_is_there(tmp_path: Path) -> None:
    _write(tmp_path, main_py=FLASK)
    with pytest.raises(LaunchError, match="has no attribute 'ap'") as raised:
        _find(tmp_path, "main:ap")
    assert raised.value.remedy == "Name what the module has after the colon: app."


def test_a_traceback_begins_in_the_application(tmp_path: Path) -> None:
    _write(tmp_path, app_py=FLASK + "\nimport no_such_module\n")
    with pytest.raises(LaunchError) as raised:
        _find(tmp_path)
    assert "importlib" not in str(raised.value)
    assert 'app.py", line 5' in str(raised.value)


def test_a_django_project_with_a_settings_folder_keeps_its_own_entry_point(
    tmp_path: Path,
) -> None:
    (tmp_path / "clinic" / "settings").mkdir(parents=True)
    for name, text in DJANGO.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert _find(tmp_path)[0] == "clinic.wsgi:application"


def test_a_file_without_an_application_is_named(tmp_path: Path) -> None:
    _write(tmp_path, empty_py="x = 1")
    with pytest.raises(UsageError, match="defines no application at its top level"):
        _find(tmp_path, "empty.py")


def test_a_wrong_interpreter_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such interpreter"):
        find_python(tmp_path, "no-python-here")


def test_the_projects_environment_is_found_above_the_app(tmp_path: Path) -> None:
    binary = tmp_path / ".venv" / "bin"
    binary.mkdir(parents=True)
    (binary / "python").symlink_to(sys.executable)
    (tmp_path / "src").mkdir()
    assert find_python(tmp_path / "src")[0] == binary / "python"
