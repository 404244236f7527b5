"""Wait until sockets are ready: epoll on Linux, the standard library's selectors elsewhere.

A timerfd, which Python has from 3.13 on, would wait as finely as `select` does here and cost
as many system calls, so there is one way for all versions.
"""

from __future__ import annotations

import select
import selectors
import sys
from pathlib import Path
from typing import Protocol

TIMER_SLACK_NS = 1
"""The kernel may wake a process this late; its default, 50 us, is the size of what we measure."""
SPIN_S = 0.001
"""Before something is due, a spinning poller does not sleep for this long: to wake up takes
about 60 us in a virtual machine, and sometimes much more (reference: load.md §2c)."""
COARSE_S = 0.001
"""`epoll` rounds its timeout up to this."""


class Poller(Protocol):
    """Reports which file descriptors can be read, or written if that was asked for."""

    def watch(self, descriptor: int) -> None:
        """Begin to watch a descriptor for reading."""

    def watch_writes(self, descriptor: int, *, on: bool) -> None:
        """Watch a watched descriptor for writing too, or no longer."""

    def forget(self, descriptor: int) -> None:
        """Stop to watch a descriptor."""

    def wait(self, timeout_s: float) -> list[int]:
        """The descriptors that are ready; none if none is after a time, or a little before."""


def make_poller(*, is_spinning: bool = False) -> Poller:
    """The best one of this machine.

    Args:
        is_spinning: Keep a CPU busy to be on time; only worth it where one is to spare.
    """
    spin_s = SPIN_S if is_spinning else 0.0
    if sys.platform == "linux":
        Path("/proc/self/timerslack_ns").write_text(str(TIMER_SLACK_NS), "ascii")
        return EpollPoller(spin_s)
    return SelectorPoller(spin_s)


if sys.platform == "linux":

    class EpollPoller:
        """Raw epoll; `select.select` on its own descriptor waits for less than a millisecond."""

        def __init__(self, spin_s: float = 0.0) -> None:
            self._epoll = select.epoll()
            self._spin_s = spin_s

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
            timeout_s -= self._spin_s
            if timeout_s > 2 * COARSE_S:
                return [descriptor for descriptor, _ in self._epoll.poll(timeout_s - COARSE_S)]
            if timeout_s > 0 and not select.select([self._epoll], (), (), timeout_s)[0]:
                return []
            return [descriptor for descriptor, _ in self._epoll.poll(0)]


class SelectorPoller:
    """What is there: kqueue on macOS."""

    def __init__(self, spin_s: float = 0.0) -> None:
        self._selector = selectors.DefaultSelector()
        self._spin_s = spin_s

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
        return [key.fd for key, _ in self._selector.select(max(0.0, timeout_s - self._spin_s))]
