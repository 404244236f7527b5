"""The application under test and how it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Interface(StrEnum):
    """The calling convention between server and application."""

    WSGI = "wsgi"
    ASGI = "asgi"
    UNKNOWN = "unknown"  # seen from outside only


class Framework(StrEnum):
    """The framework that the application is written in."""

    FLASK = "flask"
    DJANGO = "django"
    FASTAPI = "fastapi"
    STARLETTE = "starlette"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An application, found but not started.

    Attributes:
        target: `module:attribute`, or `module:factory()` for a factory; the user's command or
            the URL of an application that somebody else starts.
        interface: WSGI or ASGI.
        framework: What it is written in, as far as could be seen.
        directory: Where its server is started; first on the module path.
        python: The interpreter that has the application's dependencies.
        found_by: How the target was found, for the reader.
        environment: Variables that its process needs, such as DJANGO_SETTINGS_MODULE.
        command: The user's own command that starts it; empty if pinchpoint makes one.
    """

    target: str
    interface: Interface
    framework: Framework
    directory: Path
    python: Path
    found_by: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One way to run an application.

    Attributes:
        server: The name of a file in `launch/servers`.
        workers: Processes.
        threads: Threads of each process; 1 for event-loop servers, 0 where each request has one
            of its own (or a greenlet).
        environment: Additional variables.
        arguments: Additional words of the server's command line.
    """

    server: str
    workers: int = 1
    threads: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    @property
    def slots(self) -> int:
        """Requests that can be worked on at the same time by a synchronous server."""
        return self.workers * self.threads


def has_slots(app: App, deployment: Deployment) -> bool:
    """Whether each request occupies one of `deployment.slots` until it is answered."""
    return app.interface is Interface.WSGI and deployment.threads > 0
