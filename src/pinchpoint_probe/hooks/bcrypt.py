"""bcrypt: hashing and checking passwords."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    for name in ("hashpw", "checkpw", "kdf"):
        wrapping.around(module, name, wire.HASH, f"bcrypt.{name}", is_blocking=True)


PATCHES = {"bcrypt": _patch}
