"""time.sleep: a wait that the application chose, and that stops an event loop it is called on."""

from pinchpoint_probe import patching, quiet, spans, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    def sleep(seconds: float, /) -> None:
        frame = spans.active()
        if frame is None:
            original(seconds)
            return
        start_ns = spans.now_ns()
        original(seconds)
        try:
            flags = wire.BLOCKED_LOOP if spans.is_on_loop() else 0
            spans.leaf(frame, wire.SLEEP, "time.sleep", start_ns, flags=flags)
        except Exception as error:
            quiet.note("time", error)

    original = patching.replace(module, "sleep", sleep)


PATCHES = {"time": _patch}
