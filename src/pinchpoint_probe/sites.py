"""Which line of the user's code caused an operation."""

import os
import sys

from pinchpoint_probe import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

_HERE = os.path.dirname(__file__)
_FULL_WALK_EVERY = 64
"""How often the remembered depth is not trusted: a path of another depth is found soon."""

_is_user_code: "dict[int, bool]" = {}
_kept: "list[CodeType]" = []  # an id is only unique while its object lives
_sites: "dict[tuple[int, int], int]" = {}
_hint = 0
_calls = 0


def site(depth: int) -> int:
    """The text id of `file:line:function` of the innermost frame of the user's code.

    Args:
        depth: How many stack levels above this function the search begins.

    Returns:
        The id; 0 if no frame belongs to the user's code.
    """
    global _calls
    _calls += 1
    if _calls % _FULL_WALK_EVERY:
        try:
            frame = sys._getframe(_hint)  # noqa: SLF001
        except ValueError:
            return _walk(depth + 1)
        known = _sites.get((id(frame.f_code), frame.f_lasti))
        if known is not None and _is_user_code.get(id(frame.f_code)):
            return known
    return _walk(depth + 1)


def _walk(depth: int) -> int:
    global _hint
    frame: FrameType | None = sys._getframe(depth)  # noqa: SLF001
    while frame is not None:
        code = frame.f_code
        known = _is_user_code.get(id(code))
        if known is None:
            known = _classify(code)
        if known:
            _hint = depth - 1
            return _name(frame)
        depth += 1
        frame = frame.f_back or _outside_of_greenlet()
    return 0


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


def _classify(code: "CodeType") -> bool:
    is_user = _belongs_to_user(os.path.abspath(code.co_filename))
    _kept.append(code)
    _is_user_code[id(code)] = is_user
    return is_user


def _belongs_to_user(file: str) -> bool:
    if file.startswith(_HERE) or "<" in os.path.basename(file):
        return False
    for folder in ("/site-packages/", "/dist-packages/"):
        if folder in file:
            package = file.partition(folder)[2].partition("/")[0].removesuffix(".py")
            return package in state.user_code
    return any(file.startswith(part + os.sep) for part in state.user_code if os.sep in part)


def _name(frame: "FrameType") -> int:
    code = frame.f_code
    key = (id(code), frame.f_lasti)
    known = _sites.get(key)
    if known is None:
        name = getattr(code, "co_qualname", code.co_name)  # 3.11 and up
        known = state.sink.text(f"{code.co_filename}:{frame.f_lineno}:{name}")
        _sites[key] = known
    return known


def reset() -> None:
    """Forget the text ids of the parent's files. For a fork's child."""
    _sites.clear()
