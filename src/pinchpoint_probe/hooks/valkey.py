"""valkey: as `redis`, which it is a fork of."""

from pinchpoint_probe import valkeys

PATCHES = valkeys.patches("valkey", "Valkey")
