"""Wait until sockets are ready: epoll on Linux, the standard library's selectors elsewhere."""

from __future__ import annotations

import select
import selectors
import sys
from pathlib import Path
from typing import Protocol

TIMER_SLACK_NS = 1
"""The kernel may wake a process this late; its default, 50 us, is the size of what we measure."""


class Poller(Protocol):
    """Reports which file descriptors can be read, or written if that was asked for."""

    def watch(self, descriptor: int) -> None:
        """Begin to watch a descriptor for reading."""

    def watch_writes(self, descriptor: int, *, on: bool) -> None:
        """Watch a watched descriptor for writing too, or no longer."""

    def forget(self, descriptor: int) -> None:
        """Stop to watch a descriptor."""

    def wait(self, timeout_s: float) -> list[int]:
        """The descriptors that are ready, at the latest after a time."""


def make_poller() -> Poller:
    """The best one of this machine."""
    if sys.platform == "linux":
        Path("/proc/self/timerslack_ns").write_text(str(TIMER_SLACK_NS), "ascii")
        return EpollPoller()
    return SelectorPoller()


if sys.platform == "linux":

    class EpollPoller:
        """Raw epoll; `select.select` on its own descriptor waits for less than a millisecond."""

        def __init__(self) -> None:
            self._epoll = select.epoll()

        def watch(self, descriptor: int) -> None:
            """As the protocol says."""
            self._epoll.register(descriptor, select.EPOLLIN)

        def watch_writes(self, descriptor: int, *, on: bool) -> None:
            """As the protocol says."""
            self._epoll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT * on)

        def forget(self, descriptor: int) -> None:
            """As the protocol says."""
            self._epoll.unregister(descriptor)

        def wait(self, timeout_s: float) -> list[int]:
            """As the protocol says."""
            # epoll.poll rounds its timeout up to milliseconds.
            if timeout_s > 0 and not select.select([self._epoll], (), (), timeout_s)[0]:
                return []
            return [descriptor for descriptor, _ in self._epoll.poll(0)]


class SelectorPoller:
    """What is there: kqueue on macOS."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, descriptor: int) -> None:
        """As the protocol says."""
        self._selector.register(descriptor, selectors.EVENT_READ)

    def watch_writes(self, descriptor: int, *, on: bool) -> None:
        """As the protocol says."""
        self._selector.modify(descriptor, selectors.EVENT_READ | selectors.EVENT_WRITE * on)

    def forget(self, descriptor: int) -> None:
        """As the protocol says."""
        self._selector.unregister(descriptor)

    def wait(self, timeout_s: float) -> list[int]:
        """As the protocol says."""
        return [key.fd for key, _ in self._selector.select(max(0.0, timeout_s))]
