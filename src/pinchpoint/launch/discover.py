"""Find the application: what the user said, what the project says, or a scan of its files."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinchpoint.errors import LaunchError, UsageError
from pinchpoint.launch import describe
from pinchpoint.launch.interpreter import find_python
from pinchpoint.model.app import App, Framework, Interface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = ("main", "app", "wsgi", "asgi", "application", "api", "server")
"""Files that are looked at first, in this order; then all others, nearest first."""
MOST_FILES = 400
"""A scan of more files than this is no longer a look but a search."""
SKIPPED = {"node_modules", "site-packages", "tests", "test", "migrations", "docs", "build", "dist"}
FACTORIES = ("create_app", "make_app", "get_app", "build_app")
CLASSES = {"FastAPI", "Flask", "Starlette"}
GETTERS = {"get_wsgi_application", "get_asgi_application"}


def discover(
    asked: str,
    directory: Path,
    *,
    python: str = "",
    variables: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
) -> App:
    """Find an application and import it once in its own interpreter to see what it is.

    Args:
        asked: `module:attribute`, `module:factory()`, a file, a folder, `manage.py`, an
            installed module, or empty to search.
        directory: Where to search; modules are imported from here.
        python: The interpreter that the user asked for; empty to search.
        variables: What the application's process needs besides the environment.
        timeout_s: How long the import may take.

    Raises:
        UsageError: No application was found; the message says where it was looked for.
        LaunchError: It was found but cannot be imported; the message has its traceback.
    """
    target, directory, found_by, environment = _find(asked, directory.absolute())
    environment = {**environment, **(variables or {})}
    interpreter, python_by = find_python(directory, python)
    described = _describe(target, directory, interpreter, environment, timeout_s)
    if ":" not in target:
        target += f":{described['attribute']}"
    if described["is_factory"] and not target.endswith("()"):
        target += "()"
    return App(
        target=target,
        interface=Interface(described["interface"]),
        framework=Framework(described["framework"]),
        directory=directory,
        python=interpreter,
        found_by=f"{found_by}; python from {python_by}",
        environment=environment,
    )


def _find(asked: str, directory: Path) -> tuple[str, Path, str, Mapping[str, str]]:
    """The target, its directory, how it was found and what its process needs."""
    path = Path(directory, asked)
    if not asked:
        return _search(directory)
    if ":" in asked and not path.exists():
        return asked, directory, "as given", _django_settings(directory)
    if path.is_dir():
        return _search(path)
    if path.name == "manage.py" and path.exists():
        return _django(path)
    if path.suffix == ".py" and path.exists():
        return _from_file(path)
    return _from_module(asked, directory)


def _from_module(asked: str, directory: Path) -> tuple[str, Path, str, Mapping[str, str]]:
    """A module without an attribute: of the project, or else of its environment."""
    module = asked.replace("/", ".")
    for base in (directory, directory / "src"):
        file = base.joinpath(*module.split("."))
        for candidate in (file.with_suffix(".py"), file / "__init__.py", file / "app.py"):
            if candidate.exists() and (name := _attribute(candidate)):
                return f"{_module(candidate, base)}:{name}", base, "as given", {}
    if all(part.isidentifier() for part in asked.split(".")):
        return asked, directory, "as given", _django_settings(directory)
    raise UsageError(
        f"no application at '{asked}' in {directory}",
        "Give module:attribute, such as main:app, or the path of a file or folder.",
    )


def _search(directory: Path) -> tuple[str, Path, str, Mapping[str, str]]:
    if entry := _fastapi_entrypoint(directory):
        return entry, directory, "[tool.fastapi] entrypoint", {}
    if entry := _flask_app(directory):
        return entry, directory, "FLASK_APP", {}
    for manage in (directory / "manage.py", *sorted(directory.glob("*/manage.py"))):
        if manage.exists() and _django_settings(manage.parent):
            return _django(manage)
    for file in _python_files(directory):
        if name := _attribute(file):
            base = _import_root(file, directory)
            found = f"found in {file.relative_to(directory)}"
            return f"{_module(file, base)}:{name}", base, found, {}
    raise UsageError(
        f"no Flask, Django or FastAPI application found in {directory}",
        "Name it: pinchpoint check module:attribute, such as main:app or shop:create_app().",
    )


def _fastapi_entrypoint(directory: Path) -> str:
    file = directory / "pyproject.toml"
    if not file.exists():
        return ""
    try:
        tool = tomllib.loads(file.read_text("utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}") from error
    return str(tool.get("fastapi", {}).get("entrypoint", ""))


def _flask_app(directory: Path) -> str:
    value = os.environ.get("FLASK_APP", "")
    file = directory / ".flaskenv"
    if not value and file.exists():
        text = file.read_text("utf-8")
        match = re.search(r"^\s*(?:export\s+)?FLASK_APP\s*=\s*(\S+)", text, re.MULTILINE)
        value = match[1].strip("\"'") if match else ""
    if not value:
        return ""
    module, _, attribute = value.partition(":")
    module = module.removesuffix(".py").replace("/", ".")
    for base in (directory, directory / "src"):
        path = base.joinpath(*module.split("."))
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if not attribute and candidate.exists():
                attribute = _attribute(candidate)
    return f"{module}:{attribute or 'app'}"


def _django(manage: Path) -> tuple[str, Path, str, Mapping[str, str]]:
    directory = manage.parent.absolute()
    environment = _django_settings(directory)
    found = f"{manage.name} ({environment.get('DJANGO_SETTINGS_MODULE', 'no settings named')})"
    settings = environment.get("DJANGO_SETTINGS_MODULE", "")
    for candidate in _django_applications(directory, settings):
        return candidate, directory, found, environment
    return "django.core.wsgi:get_wsgi_application()", directory, found, environment


def _django_settings(directory: Path) -> Mapping[str, str]:
    if value := os.environ.get("DJANGO_SETTINGS_MODULE"):
        return {"DJANGO_SETTINGS_MODULE": value}
    manage = directory / "manage.py"
    if not manage.exists():
        return {}
    match = re.search(r"""DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)""", manage.read_text("utf-8"))
    return {"DJANGO_SETTINGS_MODULE": match[1]} if match else {}


def _django_applications(directory: Path, settings: str) -> Iterator[str]:
    """The project's own entry points, WSGI before ASGI, as its settings name them."""
    file = directory.joinpath(*settings.split(".")).with_suffix(".py")
    text = file.read_text("utf-8") if settings and file.exists() else ""
    match = re.search(r"""^WSGI_APPLICATION\s*=\s*["']([\w.]+)\.(\w+)["']""", text, re.MULTILINE)
    if match and directory.joinpath(*match[1].split(".")).with_suffix(".py").exists():
        yield f"{match[1]}:{match[2]}"
    package = settings.partition(".")[0]  # settings/dev.py has it from settings/base.py
    if _attribute(directory / package / "wsgi.py") == "application":
        yield f"{package}.wsgi:application"


def _python_files(directory: Path) -> Iterator[Path]:
    """Candidates, likely ones first: by depth, then by name."""

    def rank(file: Path) -> tuple[int, int, str]:
        stem = file.stem if file.stem != "__init__" else "app"
        known = NAMES.index(stem) if stem in NAMES else len(NAMES)
        return (len(file.relative_to(directory).parts), known, str(file))

    found: list[Path] = []
    for root, folders, files in os.walk(directory):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED
            and not name.startswith((".", "_"))
            and not Path(root, name, "pyvenv.cfg").exists()
        ]
        found += [Path(root, name) for name in files if name.endswith(".py")]
        if len(found) > MOST_FILES:
            break
    yield from sorted(found, key=rank)


def _attribute(file: Path) -> str:
    """The name of the application, or `factory()`, that a file defines; empty if none."""
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError):
        return ""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        called = _called(value)
        if (called in CLASSES | GETTERS | set(FACTORIES)) and isinstance(targets[0], ast.Name):
            return targets[0].id
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in FACTORIES and not _required(node):
            return f"{node.name}()"
    return ""


def _called(value: ast.expr | None) -> str:
    if not isinstance(value, ast.Call):
        return ""
    function = value.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _required(node: ast.FunctionDef) -> int:
    return len(node.args.args) - len(node.args.defaults)


def _from_file(path: Path) -> tuple[str, Path, str, Mapping[str, str]]:
    name = _attribute(path)
    if not name:
        raise UsageError(
            f"{path} defines no application at its top level",
            f"Name it: pinchpoint check {path.stem}:attribute or {path.stem}:factory().",
        )
    base = _import_root(path, path.parent)
    return f"{_module(path, base)}:{name}", base, "as given", {}


def _import_root(file: Path, directory: Path) -> Path:
    """The folder to import a file from: above its outermost package; `src` is never a package."""
    folder = file.parent
    while (folder / "__init__.py").exists() and folder != folder.parent:
        folder = folder.parent
    is_namespace = folder != directory and folder.name != "src" and folder == file.parent
    return directory if is_namespace and directory in folder.parents else folder


def _module(file: Path, base: Path) -> str:
    parts = list(file.relative_to(base).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def _describe(
    target: str,
    directory: Path,
    python: Path,
    environment: Mapping[str, str],
    timeout_s: float,
) -> Mapping[str, Any]:
    try:
        result = subprocess.run(
            [str(python), str(Path(describe.__file__)), target],
            cwd=directory,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise LaunchError(
            f"importing {target} took longer than {timeout_s:g} s",
            "Something at import time does not return; if it is only slow: --start-timeout.",
        ) from error
    lines = result.stdout.strip().splitlines()
    try:
        described: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        text = (result.stderr or result.stdout)[-2000:]
        raise LaunchError(f"{python} cannot run: {text}") from error
    if "missing" in described:
        raise UsageError(
            f"no application at '{target}': no module {described['missing']} in {directory}"
            f" or in the environment of {python}",
            "Give module:attribute, such as main:app, or the path of a file or folder;"
            " for another environment: --python PATH.",
        )
    if "error" in described:
        raise LaunchError(
            f"importing {target} failed with {python}:\n\n{described['error'].rstrip()}",
            _import_remedy(described, python),
        )
    return described


def _import_remedy(described: Mapping[str, Any], python: Path) -> str:
    if "known" in described:
        known = ", ".join(described["known"]) or "nothing that is called like an application"
        return f"Name what the module has after the colon: {known}."
    last = described["error"].strip().splitlines()[-1]
    if last.startswith("ModuleNotFoundError"):
        return (
            f"If the module is installed in another environment, name it: --python PATH "
            f"(tried {python})."
        )
    return "The application does not import on its own; the traceback names the line."
