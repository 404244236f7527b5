"""An application that has been started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pinchpoint.model.app import App, Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An application that accepts requests, with the probe inside.

    Attributes:
        app: What was started.
        deployment: How.
        host: On loopback, unless the user owns another one.
        port: Where it accepts.
        pid: The server's first process; its descendants are the workers.
        ask: Sends a command to the probe of whichever worker accepts, and returns the
            answer: `ask(command, arguments)`. Raises LaunchError if the app is gone; without
            a probe the answer is empty.
        scheme: `http` or `https`.
    """

    app: App
    deployment: Deployment
    host: str
    port: int
    pid: int
    ask: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
    scheme: str = "http"

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:8000`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """On this machine, where certificates are self-signed as a rule."""
        return self.host in {"127.0.0.1", "::1", "localhost"}
