"""msgspec: encoding by its functions; its Encoder is a C type that cannot be changed."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    wrapping.around(module, "encode", wire.SERIALIZE, f"{module.__name__}.encode")


PATCHES = {"msgspec.json": _patch, "msgspec.msgpack": _patch}
