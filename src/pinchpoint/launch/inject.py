"""What makes an application load the probe, and how the tool speaks to it afterwards."""

from __future__ import annotations

import http.client
import json
import mmap
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pinchpoint_probe
from pinchpoint.errors import LaunchError
from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinchpoint.model.app import App

ASK_TIMEOUT_S = 60
PROBE = Path(pinchpoint_probe.__file__).parent


class NoProbeError(LaunchError):
    """The application answers, and the probe is not inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The probe of one started application: its folder, its control page, its token.

    Attributes:
        folder: Where every worker writes its records.
        token: Without it the probe takes no commands; never printed.
    """

    folder: Path
    token: str = field(repr=False)
    _control: mmap.mmap = field(repr=False)

    @classmethod
    def create(cls, folder: Path) -> Probe:
        """Make a private folder with the control page; nothing is recorded or guarded yet."""
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "control"
        file.write_bytes(bytes(wire.CONTROL_BYTES))
        with file.open("r+b") as control:
            page = mmap.mmap(control.fileno(), wire.CONTROL_BYTES)
        return cls(folder=folder, token=secrets.token_urlsafe(24), _control=page)

    def set_recording(self, *, on: bool) -> None:
        """Record requests from now on, or no more."""
        self._control[wire.CONTROL_RECORDING] = int(on)

    def set_guard(self, *, on: bool) -> None:
        """Make sessions read-only and the outside unreachable from now on, or no more."""
        self._control[wire.CONTROL_GUARD] = int(on)

    def environment(
        self,
        app: App,
        *,
        allowed_hosts: Sequence[str] = (),
        databases: Mapping[str, str] | None = None,
        change: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """The variables that load the probe and tell it what to do.

        Args:
            app: Whose code is the user's own.
            allowed_hosts: Hosts off loopback that the application may reach.
            databases: The clone to open instead of each database.
            change: The fix to apply at start: `file` and `parameters`.
        """
        package = app.target.partition(":")[0].partition(".")[0]
        path = [str(PROBE / "inject"), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            "PYTHONPATH": os.pathsep.join(path),
            wire.DIRECTORY_VARIABLE: str(self.folder),
            wire.TOKEN_VARIABLE: self.token,
            wire.USER_CODE_VARIABLE: os.pathsep.join([str(app.directory), package]),
            wire.ALLOW_VARIABLE: ",".join(allowed_hosts),
            wire.DATABASES_VARIABLE: json.dumps(dict(databases or {})),
            wire.CHANGE_VARIABLE: json.dumps(change) if change else "",
        }

    def ask(
        self, host: str, port: int, command: str, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Send a command to the probe of whichever worker accepts the connection.

        Raises:
            LaunchError: The application is gone.
            NoProbeError: The probe is not inside.
        """
        words = f"{self.token} {command} {quote(json.dumps(dict(arguments)))}"
        connection = http.client.HTTPConnection(host, port, timeout=ASK_TIMEOUT_S)
        try:
            connection.request("GET", "/", headers={wire.COMMAND_HEADER: words})
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise LaunchError(f"the application does not answer: {error}") from error
        finally:
            connection.close()
        return _parse(body)


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "pid" not in answer:
        raise NoProbeError(
            "the probe is not inside the application: it answered the tool's question itself",
            "It loads through PYTHONPATH: start Python without -I, -E and -S, and leave that"
            " variable to the server's processes. Frozen apps (PyInstaller) cannot be observed.",
        )
    return answer
