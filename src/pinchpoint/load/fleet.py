"""The processes of the load engine, spoken to as one."""

from __future__ import annotations

import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.errors import InconclusiveError, LaunchError
from pinchpoint.load.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinchpoint.load.configuration import Configuration
    from pinchpoint.load.wire import Header

START_TIMEOUT_S = 30.0
"""For a process to begin; it takes a fraction of a second on an idle machine."""
ENGINE_ENDED = "the load engine's process ended before it was told to"

Message = tuple["Header", bytes]


class Fleet:
    """Engine processes that share one workload; close it after use.

    Args:
        start: Starts a process with this command line.
        configuration: Of the whole; each process gets its share.

    Raises:
        LaunchError: A process did not begin.
    """

    def __init__(
        self, start: Callable[[Sequence[str]], object], configuration: Configuration
    ) -> None:
        self._channels = [start_engine(start) for _ in range(configuration.count)]
        for index, channel in enumerate(self._channels):
            channel.send(replace(configuration, index=index).encode())

    def close(self) -> None:
        """End the processes."""
        for channel in self._channels:
            channel.close()

    def send(self, *headers: Header) -> None:
        """Tell each process the same, or each its own.

        Raises:
            InconclusiveError: A process has ended.
        """
        each = headers if len(headers) > 1 else headers * len(self._channels)
        try:
            for channel, header in zip(self._channels, each, strict=True):
                channel.send(header)
        except ConnectionError as error:
            raise InconclusiveError(ENGINE_ENDED) from error

    def receive(self) -> Sequence[Message]:
        """Wait for one message of each process.

        Raises:
            InconclusiveError: A process has ended.
        """
        return [_receive(channel) for channel in self._channels]

    def results(self, last: Sequence[Message]) -> Sequence[Message]:
        """Wait for the result of each process, where the last message was none.

        Raises:
            InconclusiveError: A process has ended.
        """
        return [
            _result(channel, message) for channel, message in zip(self._channels, last, strict=True)
        ]


def _result(channel: Channel, message: Message) -> Message:
    while message[0]["kind"] == "batch":
        message = _receive(channel)
    return message


def _receive(channel: Channel) -> Message:
    message = channel.receive()
    if message is None:
        raise InconclusiveError(ENGINE_ENDED)
    return message


def start_engine(
    start: Callable[[Sequence[str]], object], module: str = "pinchpoint.load.engine_process"
) -> Channel:
    """Start one process and wait until it has connected.

    Raises:
        LaunchError: It did not.
    """
    # A folder of our own below the system's: the path of a unix socket has at most 104 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="pinchpoint-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        path = str(Path(folder) / "engine")
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(START_TIMEOUT_S)
        start([sys.executable, "-m", module, path])
        try:
            connection, _ = listener.accept()
        except TimeoutError as error:
            raise LaunchError(
                f"the load engine did not start within {START_TIMEOUT_S:.0f} s"
            ) from error
        connection.settimeout(None)
        return Channel(connection)
