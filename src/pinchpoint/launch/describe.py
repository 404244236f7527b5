"""Run by path in the application's own interpreter: import a target and say what it is.

    python describe.py module[:attribute]

Prints one line of JSON, the last line of its output: `attribute`, `interface`, `framework`,
`is_factory`; or `missing`, the module that is not there; or `error` with a traceback, and
`known`, what the module has instead of the attribute.
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
NAMES = ("app", "application", "api", "asgi", "create_app", "make_app", "get_app", "build_app")
"""What a module is searched for, in this order, if the target names no attribute."""


def main(target: str) -> dict[str, Any]:
    """Describe a target; every failure becomes `error`."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # what the server does
    name, _, attribute = target.partition(":")
    try:
        module: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            return {"missing": error.name}
        return {"error": _traceback(error)}
    except BaseException as error:  # noqa: BLE001  # an application may also call sys.exit
        return {"error": _traceback(error)}
    known = [found for found in NAMES if callable(getattr(module, found, None))]
    attribute = attribute or (known[0] if known else NAMES[0])
    is_factory = attribute.endswith("()")
    found = module
    try:
        for part in attribute.removesuffix("()").split("."):
            found = getattr(found, part)
    except AttributeError as error:
        return {"error": f"AttributeError: {error}", "known": known}
    is_factory = is_factory or _is_factory(found)
    try:
        described = _describe(found() if is_factory else found)
    except BaseException as error:  # noqa: BLE001  # as above
        return {"error": _traceback(error)}
    return {"attribute": attribute, "is_factory": is_factory, **described}


def _traceback(error: BaseException) -> str:
    """The application's part of a traceback: without this file and the import system."""
    ours = (__file__, importlib.__file__, "<frozen importlib")
    entry = error.__traceback__
    while entry and entry.tb_frame.f_code.co_filename.startswith(ours):
        entry = entry.tb_next
    return "".join(traceback.format_exception(type(error), error, entry))


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
