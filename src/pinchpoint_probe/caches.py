"""Record calls of the caches that frameworks bring: what the hooks of Django and cachelib share.

Where such a cache asks a server through a client of its own, the call is one span: the client's
hook sees that a cache's span is open.
"""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_METHODS = (
    "add",
    "clear",
    "dec",
    "decr",
    "delete",
    "delete_many",
    "get",
    "get_dict",
    "get_many",
    "has",
    "has_key",
    "inc",
    "incr",
    "set",
    "set_many",
    "touch",
)
"""Not get_or_set, which runs the application's code in between."""


def patch(module: "ModuleType") -> None:
    """Time the methods of the caches that a module defines."""
    for cls, name in _methods(module):
        wrapping.around(cls, name, wire.CACHE, is_blocking=True)


def patch_memory(module: "ModuleType") -> None:
    """As `patch`, for caches in the process's own memory: only what takes noticeable time."""
    for cls, name in _methods(module):
        wrapping.around_noticeable(cls, name, wire.CACHE, f"{cls.__name__}.{name}")


def _methods(module: "ModuleType") -> "Iterator[tuple[type, str]]":
    for cls in list(vars(module).values()):
        if isinstance(cls, type) and cls.__module__ == module.__name__:
            for name in _METHODS:
                if name in vars(cls):
                    yield cls, name
