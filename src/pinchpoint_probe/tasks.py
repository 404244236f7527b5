"""Tasks whose own stack has no line of the user's code keep the line that started them.

`asyncio.gather(session.scalar(one), session.scalar(two))` runs each in a task of the library's.
"""

from pinchpoint_probe import patching, quiet, sites, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def remember_starts(loop_class: "Any") -> None:
    """Let the tasks of a class of event loops know which line started them."""

    def create_task(self: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        if spans.active() is None:
            return original(self, *args, **kwargs)
        site = _site()
        _tell(kwargs.get("context"), site)
        token = sites.starter.set(site)
        try:
            return original(self, *args, **kwargs)  # the task copies the context now
        finally:
            sites.starter.reset(token)

    original = patching.replace(loop_class, "create_task", create_task)


def _tell(context: "Any", site: int) -> None:
    """A context that is handed over, as by `asyncio.run`, is not copied."""
    if context is not None:
        try:  # noqa: SIM105  # contextlib would be one more import
            context.run(sites.starter.set, site)
        except RuntimeError:  # it is entered already: what runs in it has a line of its own
            pass


def forget_start() -> None:
    """An endpoint begins: that some middleware's `call_next` started its task says nothing."""
    sites.starter.set(0)


def _site() -> int:
    try:
        return sites.site(2)
    except Exception as error:
        quiet.note("tasks", error)
        return 0
