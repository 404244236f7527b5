"""opentelemetry-instrument: let its sitecustomize, which runs no other one, come after ours."""

import os

from pinchpoint_probe import patching, postimport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_INJECT = os.path.join(os.path.dirname(postimport.HOOKS), "inject")


def _patch(launcher: "ModuleType") -> None:
    def execl(*words: str) -> None:
        path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        others = [entry for entry in path if entry != _INJECT]
        os.environ["PYTHONPATH"] = os.pathsep.join([_INJECT, *others])
        original(*words)

    original = patching.replace(launcher, "execl", execl)


PATCHES = {"opentelemetry.instrumentation.auto_instrumentation": _patch}
