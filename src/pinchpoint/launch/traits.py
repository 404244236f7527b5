"""What a server can do, as far as the tool has to know before it starts it."""

from __future__ import annotations

from dataclasses import dataclass

from pinchpoint.model.app import Framework, Interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """One server.

    Attributes:
        package: What pip installs.
        interfaces: The calling conventions that it speaks.
        frameworks: The only ones that it serves; empty for any.
        workers: Processes if the user names no number.
        has_workers: Their number can be chosen.
        threads: Threads of each process for WSGI if the user names no number; 0 where there is
            no limit that a load run reaches.
        has_threads: Their number can be chosen, for WSGI applications.
    """

    package: str
    interfaces: tuple[Interface, ...]
    frameworks: tuple[Framework, ...] = ()
    workers: int = 1
    has_workers: bool = True
    threads: int = 1
    has_threads: bool = False
