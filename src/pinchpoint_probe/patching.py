"""Change foreign objects through one journal, so that every change can be undone."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ABSENT = object()
_CALL = object()
_Function = type(lambda: None)
_journal: "list[tuple[Any, str, Any]]" = []


def replace(owner: "Any", name: str, new: "Any") -> "Any":
    """Set an attribute and remember what was there.

    Args:
        owner: A module, a class or an instance.
        name: The attribute.
        new: What to put there.

    Returns:
        What `owner.name` was, so that the new one can call it.
    """
    old = getattr(owner, name)
    _journal.append((owner, name, vars(owner).get(name, _ABSENT)))
    if isinstance(new, _Function):
        _disguise(new, old)
    setattr(owner, name, new)
    return old


def _disguise(new: "Any", old: "Any") -> None:
    """Let a function look like the one that it replaces.

    Libraries read signatures: FastAPI takes the default status from `JSONResponse.__init__`.
    """
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        if hasattr(old, attribute):
            setattr(new, attribute, getattr(old, attribute))
    new.__wrapped__ = old


def add(owner: "Any", name: str, new: "Any") -> None:
    """Set an attribute that the owner need not have."""
    _journal.append((owner, name, vars(owner).get(name, _ABSENT)))
    setattr(owner, name, new)


def on_restore(undo: "Callable[[], object]") -> None:
    """Remember how to undo a change that is not to an attribute."""
    _journal.append((undo, "", _CALL))


def mark() -> int:
    """The present state of the journal, for `restore`."""
    return len(_journal)


def restore(to: int = 0) -> None:
    """Undo every change since a mark, the last one first."""
    while len(_journal) > to:
        owner, name, old = _journal.pop()
        if old is _CALL:
            owner()
        elif old is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, old)
