"""cachelib, and so Flask-Caching: memory, files, Redis, memcached."""

from pinchpoint_probe import caches

PATCHES = {
    "cachelib.file": caches.patch,
    "cachelib.memcached": caches.patch,
    "cachelib.redis": caches.patch,
    "cachelib.simple": caches.patch_memory,
}
