"""hashlib: deriving keys from passwords, which is slow by design. Plain digests are not timed."""

from pinchpoint_probe import wire, wrapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _patch(module: "ModuleType") -> None:
    for name in ("pbkdf2_hmac", "scrypt"):
        if hasattr(module, name):  # it depends on how OpenSSL was built
            wrapping.around(module, name, wire.HASH, f"hashlib.{name}", is_blocking=True)


PATCHES = {"hashlib": _patch}
