"""Run by path in the application's own interpreter: import a target and say what it is.

    python describe.py module:attribute

Prints one line of JSON, the last line of its output: `interface`, `framework`,
`is_factory`, or `error` with a traceback.
Nothing of pinchpoint is imported, so that any interpreter can run it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

FRAMEWORKS = ("flask", "django", "fastapi", "starlette")


def main(target: str) -> dict[str, Any]:
    """Describe a target; every failure becomes `error`."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # what the server does
    module_name, _, attribute = target.partition(":")
    is_factory = attribute.endswith("()")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.removesuffix("()").split("."):
            found = getattr(found, part)
        if not is_factory and _is_factory(found):
            is_factory = True
        described = _describe(found() if is_factory else found)
    except BaseException:  # noqa: BLE001  # an application may also call sys.exit
        return {"error": traceback.format_exc()}
    return {"is_factory": is_factory, **described}


def _is_factory(found: Any) -> bool:
    """A plain function of no required arguments that is not itself an application."""
    code = getattr(found, "__code__", None)
    if code is None:
        return False
    required: int = code.co_argcount - len(found.__defaults__ or ())
    return required == 0


def _describe(app: Any) -> dict[str, str]:
    names = [cls.__module__.partition(".")[0] for cls in type(app).__mro__]
    framework = next((name for name in names if name in FRAMEWORKS), "unknown")
    if framework in {"fastapi", "starlette"} or "ASGI" in type(app).__name__:
        return {"framework": framework, "interface": "asgi"}
    if framework in {"flask", "django"}:
        return {"framework": framework, "interface": "wsgi"}
    call = app if hasattr(app, "__code__") else type(app).__call__
    code = getattr(call, "__code__", None)
    arguments = code.co_varnames[: code.co_argcount] if code else ()
    is_asgi = "scope" in arguments and "receive" in arguments
    return {"framework": framework, "interface": "asgi" if is_asgi else "wsgi"}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main(sys.argv[1])) + "\n")
