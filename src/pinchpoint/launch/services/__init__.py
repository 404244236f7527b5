"""Private services on loopback, for the demo and the lab. Each file is one: `start(guardian)`."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from pinchpoint.launch.guardian import Child

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that runs until the guardian ends, or `child.stop()`.

    Attributes:
        name: The name of a file in `launch/services`.
        url: How an application reaches it.
        port: On loopback.
        version: As the program says.
        found_in: Where its program was found, for the reader.
        child: Its process.
    """

    name: str
    url: str
    port: int
    version: str
    found_in: str
    child: Child

    @property
    def pid(self) -> int:
        """Of its main process."""
        return self.child.pid


def free_port() -> int:
    """A port of loopback that is free now; somebody else may take it before it is used."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
