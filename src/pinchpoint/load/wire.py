"""Messages between the tool and the load engine: a JSON header and a binary payload.

The tool sends `configure`, `open`, `closed` and, within a closed step, `stop`. The engine
answers each step with one `result` whose payload has one RECORD per request; within a
closed step, a `batch` precedes it each half second. A `report` in the middle of a step is
answered with `rows`: the requests that have ended, which the result then lacks. Either side
ends by closing.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

ERRORS = ("", "timeout", "reset", "refused", "closed", "malformed", "tls", "exhausted", "failed")
"""A record's error is the index of one of these."""

# trace, template, intended_ns, sent_ns, first_byte_ns, completed_ns, status, bytes, error
RECORD = struct.Struct("<QHqqqqHQB")

_LENGTHS = struct.Struct("<IQ")

Header = dict[str, Any]


class Channel:
    """One end of the connection; keeps what has arrived of a message if reading is interrupted."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def fileno(self) -> int:
        """The descriptor, to wait for."""
        return self._connection.fileno()

    def close(self) -> None:
        """Say that nothing more is wanted."""
        self._connection.close()

    def send(self, header: Header, payload: bytes = b"") -> None:
        """Send one message; waits until the kernel has taken it."""
        text = json.dumps(header).encode()
        self._connection.sendall(_LENGTHS.pack(len(text), len(payload)) + text + payload)

    def receive(self) -> tuple[Header, bytes] | None:
        """Wait for one message; None if the other side has closed."""
        if not self._fill(_LENGTHS.size):
            return None
        header_bytes, payload_bytes = _LENGTHS.unpack_from(self._buffer)
        body = _LENGTHS.size + header_bytes
        if not self._fill(body + payload_bytes):
            return None
        header: Header = json.loads(self._buffer[_LENGTHS.size : body])
        payload = bytes(self._buffer[body : body + payload_bytes])
        del self._buffer[: body + payload_bytes]
        return header, payload

    def _fill(self, size: int) -> bool:
        while len(self._buffer) < size:
            try:
                data = self._connection.recv(1 << 20)
            except ConnectionError:
                return False
            if not data:
                return False
            self._buffer += data
        return True
