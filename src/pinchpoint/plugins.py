"""A plugin is a module: one file in one folder; its docstring is its manual page."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from pinchpoint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


def load_plugins(folder: str, *functions: str) -> Mapping[str, ModuleType]:
    """Import every module of a plugin folder.

    Args:
        folder: Dotted name of the package, such as `pinchpoint.report.formats`.
        functions: Names that each module must define.

    Returns:
        Modules by name, sorted.

    Raises:
        TypeError: A module lacks one of the functions.
    """
    package = importlib.import_module(folder)
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    plugins = {name: importlib.import_module(f"{folder}.{name}") for name in names}
    for name, module in plugins.items():
        missing = [function for function in functions if not hasattr(module, function)]
        if missing:
            raise TypeError(f"{folder}.{name} does not define {', '.join(missing)}")
    return plugins


def load_plugin(folder: str, name: str, *functions: str) -> ModuleType:
    """Import one plugin by its name.

    Raises:
        UsageError: There is no such plugin; the message lists the known ones.
    """
    plugins = load_plugins(folder, *functions)
    if name not in plugins:
        kind = folder.rpartition(".")[2].removesuffix("s")
        raise UsageError(f"unknown {kind} '{name}'; known: {', '.join(plugins)}")
    return plugins[name]
