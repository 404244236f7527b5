"""redis: commands and pipelines, blocking and asynchronous, clusters too; connects; its pool."""

from pinchpoint_probe import valkeys

PATCHES = valkeys.patches("redis", "Redis")
