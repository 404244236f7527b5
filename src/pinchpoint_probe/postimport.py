"""Patch a library right after the application imports it; import nothing that it does not."""

import os
import sys

from pinchpoint_probe import patching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

HOOKS = os.path.join(os.path.dirname(__file__), "hooks")

failures: list[str] = []
"""Hooks that raised: what they observe will show as the application's own code."""
hooked: list[str] = []
"""Modules that were patched."""


def install() -> None:
    """Patch what is imported already, and what will be."""
    sys.meta_path.insert(0, _finder)
    for name in list(sys.modules):
        _patch_loaded(name)


def catch_up() -> None:
    """Patch what was imported unseen, if the application has replaced `sys.meta_path`."""
    if _finder in sys.meta_path:
        return
    sys.meta_path.insert(0, _finder)
    late = [name for name in list(sys.modules) if name not in hooked and _patch_loaded(name)]
    failures.append(f"sys.meta_path was replaced; patched late: {', '.join(late) or 'nothing'}")


def _patch_loaded(name: str) -> bool:
    patch = _finder.patch_for(name)
    if patch is not None:
        run(name, sys.modules[name], patch)
    return patch is not None


def run(name: str, module: "ModuleType", patch: "Callable[[ModuleType], None]") -> None:
    """Run one hook; one that raises is undone and recorded, and the application runs on."""
    before = patching.mark()
    try:
        patch(module)
        hooked.append(name)
    except Exception as error:
        patching.restore(before)
        failures.append(f"{name} ({version(name)}): {error!r}")


def version(name: str) -> str:
    """What a module's library says of its version; `?` if it does not."""
    library = sys.modules.get(name.partition(".")[0])
    # Not getattr: Flask warns when it is asked, and a warning may be an error here.
    return str(vars(library).get("__version__", "?")) if library else "?"


class _Finder:
    """First on sys.meta_path: lets the other finders find, and wraps that one loader."""

    def __init__(self) -> None:
        self._libraries = {file[:-3] for file in os.listdir(HOOKS) if file.endswith(".py")}
        self._libraries.discard("__init__")
        self._patches: dict[str, Callable[[ModuleType], None]] = {}
        self._loaded: set[str] = set()
        self._searched: set[str] = set()

    def find_spec(
        self,
        name: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "ModuleSpec | None":
        patch = self.patch_for(name)
        # Others do as we do and ask all finders: the innermost question alone has our answer.
        if patch is None or name in self._searched:
            return None
        self._searched.add(name)
        try:
            spec = self._find(name, path, target)
        finally:
            self._searched.discard(name)
        if spec is not None:
            _run_after_loading(spec, patch)
        return spec

    def _find(
        self, name: str, path: "Sequence[str] | None", target: "ModuleType | None"
    ) -> "ModuleSpec | None":
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)  # Python 3.11 still allows older finders
            if finder is not self and find is not None:
                spec: ModuleSpec | None = find(name, path, target)
                if spec is not None:
                    return spec
        return None

    def patch_for(self, name: str) -> "Callable[[ModuleType], None] | None":
        """The hook for a module, or None; loads the library's hook file when it is first met."""
        library = name.partition(".")[0]
        if library not in self._libraries:
            return None
        if library not in self._loaded:
            self._loaded.add(library)
            try:
                hook = f"pinchpoint_probe.hooks.{library}"
                __import__(hook)
                self._patches.update(sys.modules[hook].PATCHES)
            except Exception as error:
                failures.append(f"hook {library}: {error!r}")
        return self._patches.get(name)


def _run_after_loading(spec: "ModuleSpec", patch: "Callable[[ModuleType], None]") -> None:
    loader, name = spec.loader, spec.name
    if loader is None or isinstance(loader, type):  # the loader of built-in modules is a class
        return
    execute = getattr(loader, "exec_module", None)
    if execute is None:
        failures.append(f"{name}: its loader is of a kind that Python 3.12 removed")
        return

    def exec_module(module: "ModuleType") -> None:
        execute(module)
        if module.__name__ == name:  # all the modules of a zip file share one loader
            run(name, module, patch)

    try:
        loader.exec_module = exec_module  # type: ignore[method-assign]
    except AttributeError as error:
        failures.append(f"{name}: its loader cannot be wrapped: {error!r}")


_finder = _Finder()
