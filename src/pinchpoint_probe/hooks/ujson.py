"""ujson: encoding."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    for name in ("dump", "dumps", "encode"):
        wrapping.around(module, name, wire.SERIALIZE, f"ujson.{name}")


PATCHES = {"ujson": _patch}
