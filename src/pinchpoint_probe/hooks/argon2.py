"""argon2: hashing and checking passwords; its PasswordHasher uses these functions."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    for name in ("hash_secret", "hash_secret_raw", "verify_secret"):
        wrapping.around(module, name, wire.HASH, f"argon2.{name}", is_blocking=True)


PATCHES = {"argon2.low_level": _patch}
