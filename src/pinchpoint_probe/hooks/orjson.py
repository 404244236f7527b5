"""orjson: encoding."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    wrapping.around(module, "dumps", wire.SERIALIZE, "orjson.dumps")


PATCHES = {"orjson": _patch}
