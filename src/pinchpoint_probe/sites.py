"""Which line of the user's code caused an operation."""

import os
import sys
from _contextvars import ContextVar

from pinchpoint_probe import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

_HERE = os.path.dirname(__file__)
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_LIBRARIES = ("/site-packages/", "/dist-packages/")
_FULL_WALK_EVERY = 64
"""How often the remembered depth is not trusted: a path of another depth is found soon."""

_DEEPEST = 20
"""Decorators around one function; a chain may bite its own tail."""

_is_user_code: "dict[int, bool]" = {}
_kept: "list[CodeType]" = []  # an id is only unique while its object lives
_sites: "dict[tuple[int, int], int]" = {}
_definitions: "dict[int, int]" = {}
_hints: "dict[tuple[int, int], tuple[int, CodeType | None]]" = {}
"""Line of a library that called the hook -> how far above it the user's code was last found; or,
where there was none, how far above it the stack ended, and with which function: as long as it ends
there again, there is none."""

_leading: "set[tuple[int, int]]" = set()
"""Calls in the user's code that led to other code of theirs, such as a middleware's to the view:
found at a remembered depth, they do not show that nothing lies below."""

_loop_runners: "set[int]" = set()
_LOOPS = ("/asyncio/runners.py", "/uvloop/__init__.py")
"""What lies above an event loop started it, and caused nothing that happens inside."""

_calls = 0

starter: "ContextVar[int]" = ContextVar("pinchpoint_starter", default=0)
"""In a task: the site that started it."""


def site(depth: int) -> int:
    """The text id of `file:line:function` of the innermost frame of the user's code.

    Args:
        depth: How many stack levels above this function the search begins.

    Returns:
        The id; if no frame belongs to the user's code, that of the line which started the
        task; 0 outside of one.
    """
    global _calls
    _calls += 1
    if _calls % _FULL_WALK_EVERY:
        try:
            caller = sys._getframe(depth + 1)  # noqa: SLF001
            hint, end = _hints[id(caller.f_code), caller.f_lasti]
            frame = sys._getframe(hint)  # noqa: SLF001
            if end is None:
                return _sites[id(frame.f_code), frame.f_lasti]
            if frame.f_code is end and (frame.f_back is None or id(end) in _loop_runners):
                return starter.get()
        except (KeyError, ValueError):
            pass
    return _walk(depth + 1)


def _walk(depth: int) -> int:
    frame: FrameType | None = sys._getframe(depth)  # noqa: SLF001
    caller = frame.f_back if frame else None
    is_outside = False
    while frame is not None:
        code = frame.f_code
        is_users = _is_user_code.get(id(code))  # a call for each frame would cost more than it
        if is_users or (is_users is None and is_user_code(code)):
            _remember(caller, depth - 1, None)
            return _name(frame)
        above = frame.f_back
        is_runner = id(code) in _loop_runners and _is_loop_running()
        if above is None and not is_outside:  # once: the outer stack ends as well
            above = _outside_of_greenlet()
            is_outside = above is not None
        if is_runner or (above is None and not is_outside):
            _remember(caller, depth - 1, code)
            break
        depth += 1
        frame = above
    return starter.get()


def _remember(caller: "FrameType | None", hint: int, end: "CodeType | None") -> None:
    if caller is not None:
        _hints[id(caller.f_code), caller.f_lasti] = hint, end


def _is_loop_running() -> bool:
    """Whether the runner's loop runs, and it is not just about to make its task."""
    return sys.modules["asyncio.events"]._get_running_loop() is not None  # noqa: SLF001


def _outside_of_greenlet() -> "FrameType | None":
    """SQLAlchemy's asyncio runs its synchronous part in a greenlet, where the stack ends."""
    greenlet = sys.modules.get("greenlet")
    if greenlet is None:
        return None
    frame: FrameType | None = None
    parent = greenlet.getcurrent().parent
    if parent is not None:
        frame = parent.gr_frame
    return frame


def is_user_code(code: "CodeType") -> bool:
    """Whether a function belongs to the application and not to a library."""
    known = _is_user_code.get(id(code))
    if known is None:
        known = _belongs_to_user(os.path.abspath(code.co_filename))
        _kept.append(code)
        if code.co_filename.endswith(_LOOPS):
            _loop_runners.add(id(code))
        _is_user_code[id(code)] = known
    return known


def _belongs_to_user(file: str) -> bool:
    if file.startswith(_HERE) or "<" in os.path.basename(file):
        return False
    folder = _folder_of(file)
    inside = file[len(folder) :]  # the folder itself may be an installed package
    for place in _LIBRARIES:
        if place in inside:
            package = inside.partition(place)[2].partition("/")[0].removesuffix(".py")
            return package in state.user_code
    is_standard = file.startswith(_STANDARD_LIBRARY) and not folder.startswith(_STANDARD_LIBRARY)
    return bool(folder) and not is_standard  # the interpreter may lie in the user's folder


def _folder_of(file: str) -> str:
    """The user's folder that a file is in; empty if there is none."""
    folders = [part.rstrip(os.sep) for part in state.user_code if os.sep in part]
    return max((f for f in folders if file.startswith(f + os.sep)), key=len, default="")


def _name(frame: "FrameType") -> int:
    code = frame.f_code
    key = (id(code), frame.f_lasti)
    known = _sites.get(key)
    if known is None:
        known = _text(code, _line(frame))
        _mark_leading(frame.f_back)
        if key not in _leading:
            _sites[key] = known
    return known


def _mark_leading(frame: "FrameType | None") -> None:
    while frame is not None:
        if is_user_code(frame.f_code):
            key = (id(frame.f_code), frame.f_lasti)
            _leading.add(key)
            _sites.pop(key, None)
        frame = frame.f_back


def _line(frame: "FrameType") -> int:
    """The line of the file that is executed; of a template, not of the code made from it."""
    template = frame.f_globals.get("__jinja_template__")
    if template is None:
        return frame.f_lineno
    return template.get_corresponding_lineno(frame.f_lineno)  # type: ignore[no-any-return]


def _text(code: "CodeType", line: int) -> int:
    name = getattr(code, "co_qualname", code.co_name)  # 3.11 and up
    return state.sink.text(f"{os.path.abspath(code.co_filename)}:{line}:{name}")


def definition(function: "Any") -> int:
    """The text id of `file:first line:function` of a callable; 0 if it is not written in Python."""
    code = code_of(function)
    if code is None:
        return 0
    known = _definitions.get(id(code))
    if known is None:
        _kept.append(code)
        _mark_leading(sys._getframe(1))  # noqa: SLF001  # as a rule it is about to be called
        known = _definitions[id(code)] = _text(code, code.co_firstlineno)
    return known


def code_of(function: "Any") -> "CodeType | None":
    """The code behind decorators, partials, bound methods and callable objects."""
    for _ in range(_DEEPEST):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if inner is None:
            break
        function = inner
    # A dependency of FastAPI that yields arrives as `contextmanager(...).__enter__`.
    generator = getattr(getattr(function, "__self__", None), "gen", None)
    call = getattr(type(function), "__call__", None)  # noqa: B004  # its code, not whether
    return (
        getattr(generator, "gi_code", None)
        or getattr(function, "__code__", None)
        or getattr(call, "__code__", None)
    )


def reset() -> None:
    """Forget the text ids of the parent's files. For a fork's child."""
    _sites.clear()
    _definitions.clear()
