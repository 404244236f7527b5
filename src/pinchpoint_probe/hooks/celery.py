"""Celery: time the sending of tasks, and while the guard is on keep them from being sent.

`delay` and `apply_async` of tasks and of canvases all end in `send_task`; eager tasks, which run
at once in the caller, do not.
"""

from pinchpoint_probe import outbound, patching, spans, state, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_TASK_ID = 4
"""Position of `task_id` among the arguments that follow `name`."""


def _patch(module: "ModuleType") -> None:
    def observed_send_task(self: "Any", name: str, *args: "Any", **kwargs: "Any") -> "Any":
        frame = spans.active()
        start_ns = spans.now_ns()
        is_captured = state.is_guarded()
        if is_captured:
            result = self.AsyncResult(_task_id(args, kwargs))
        else:
            result = send_task(self, name, *args, **kwargs)
        if frame is not None:
            flags = wire.REFUSED if is_captured else 0
            outbound.record(frame, f"celery {name}", start_ns, flags=flags, is_blocking=True)
        return result

    send_task = patching.replace(module.Celery, "send_task", observed_send_task)


def _task_id(args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> str:
    given = args[_TASK_ID] if len(args) > _TASK_ID else kwargs.get("task_id")
    if given:
        return str(given)
    import uuid

    return str(uuid.uuid4())


PATCHES = {"celery.app.base": _patch}
