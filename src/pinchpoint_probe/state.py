"""What one process's probe knows: where it writes, and what it is told to do."""

import mmap
import os

from pinchpoint_probe import wire
from pinchpoint_probe.sink import Sink

directory = os.environ.get(wire.DIRECTORY_VARIABLE, "")
token = os.environ.get(wire.TOKEN_VARIABLE, "")
_parts = list(filter(None, os.environ.get(wire.USER_CODE_VARIABLE, "").split(os.pathsep)))
user_code = (*_parts, *(os.path.realpath(part) for part in _parts if os.sep in part))
allowed_hosts = tuple(filter(None, os.environ.get(wire.ALLOW_VARIABLE, "").split(",")))
sink = Sink(directory)


def _map_control() -> "mmap.mmap | bytearray":
    try:
        descriptor = os.open(f"{directory}/control", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return bytearray(wire.CONTROL_BYTES)
    try:
        return mmap.mmap(descriptor, wire.CONTROL_BYTES, prot=mmap.PROT_READ)
    finally:
        os.close(descriptor)


control = _map_control()
"""The tool's page: index it with wire's CONTROL_ names."""


def is_recording() -> bool:
    """Whether the tool wants requests to be recorded."""
    return control[wire.CONTROL_RECORDING] == 1


def is_guarded() -> bool:
    """Whether sessions are read-only and the outside is out of reach."""
    return control[wire.CONTROL_GUARD] == 1
