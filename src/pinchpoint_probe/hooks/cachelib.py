"""cachelib, and so Flask-Caching: files, memcached, memory. Its Redis is recorded by `redis`."""

from pinchpoint_probe import caches

PATCHES = {
    "cachelib.file": caches.patch,
    "cachelib.memcached": caches.patch,
    "cachelib.simple": caches.patch_memory,
}
