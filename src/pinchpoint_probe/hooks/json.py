"""The standard library's JSON encoder."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(encoder: "ModuleType") -> None:
    wrapping.around(encoder.JSONEncoder, "encode", wire.SERIALIZE)


PATCHES = {"json.encoder": _patch}
