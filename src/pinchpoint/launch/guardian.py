"""The tool's side of the guardian: start processes that end with the run, however it ends."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pinchpoint.errors import LaunchError
from pinchpoint.launch import guardian_process, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

LOG = logging.getLogger(__name__)

END_TIMEOUT_S = 60.0
"""A guardian that has not ended all by then is killed and its run swept."""

LONGEST_TEXT_BYTES = 16_384
"""A pipe takes this much without a reader on every system, so that nobody waits for the child."""


@contextmanager
def guard(*, base: Path | None = None) -> Generator[Guardian, None, None]:
    """Own processes for as long as the context lasts; first sweep what dead runs left.

    When it ends, by return, exception, Ctrl-C or a kill of this process, all processes that
    were started through the guardian end (the last first), the clean-up jobs run and the
    run's folder is removed.

    Args:
        base: Folder that holds the folders of runs; a private one of the user by default.

    Raises:
        LaunchError: The base folder is not private.
    """
    run = runs.begin(base or runs.default_base())
    for note in run.left_behind:
        LOG.warning("an earlier run was killed and left: %s", note)
    try:
        guardian = Guardian(run)
        try:
            yield guardian
        finally:
            guardian.close()
    finally:
        os.close(run.registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    command: Sequence[str]
    environment: Mapping[str, str]
    text: str


class Guardian:
    """Starts processes and ends them with the run. Use `guard` to get one.

    Attributes:
        folder: The run's temporary folder, private, removed at the end.
        left_behind: What runs that died could not clean up, one phrase each.
    """

    def __init__(self, run: runs.Run) -> None:
        self.folder = run.folder
        self.left_behind = run.left_behind
        self._jobs: dict[int, _Job] = {}
        self._serial = 0
        self._lock = threading.Lock()
        self._log = run.folder / "guardian.log"
        command = [sys.executable, "-I", "-S", guardian_process.__file__]
        ours, theirs = socket.socketpair()
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(run.folder), str(run.registry)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=log,
                pass_fds=[run.registry],
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the tool alone
            )
        self._channel = ours
        self._answers = ours.makefile("rb")

    def start(  # noqa: PLR0913  # each is one property of a process
        self,
        command: Sequence[str],
        *,
        name: str,
        cwd: Path,
        environment: Mapping[str, str],
        log: Path,
        user: str = "",
        stop_signal: int = signal.SIGTERM,
        text: str = "",
    ) -> Child:
        """Start a process in its own session.

        Args:
            command: Program and arguments.
            name: For messages.
            cwd: Where it runs.
            environment: All of its variables; nothing is inherited.
            log: File that its output is appended to.
            user: Account to run it as; only root may. Empty for the own.
            stop_signal: Asks it to end.
            text: Its standard input, at most 16 KiB; nothing to read if empty.

        Raises:
            LaunchError: It cannot be started.
        """
        if len(text.encode()) > LONGEST_TEXT_BYTES:
            raise ValueError(f"standard input of {name} exceeds {LONGEST_TEXT_BYTES} bytes")
        try:
            number, pid = self._ask(
                "start",
                command=[str(word) for word in command],
                cwd=str(cwd),
                environment=dict(environment),
                log=str(log),
                user=user,
                stop_signal=int(stop_signal),
                text=text,
            )
        except OSError as error:
            raise LaunchError(f"cannot start {name}: {error}") from error
        return Child(self._ask, number, name=name, pid=pid, log=log)

    def at_exit(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        text: str,
        note: str = "",
    ) -> int:
        """Register a clean-up job: it runs when the run ends, in whatever way.

        It runs after what was started later has ended and before what was started earlier
        does. Its output is dropped.

        Args:
            command: Program and arguments.
            environment: All of its variables.
            text: Its standard input; never written to disk, so it may hold a password.
            note: What stays behind should the job never run, such as the name of a clone: the
                next run will say so. No secrets: this is written to disk.

        Returns:
            A number to `cancel` it by.
        """
        job = _Job(command=tuple(command), environment=dict(environment), text=text)
        number: int = self._ask(
            "at_exit", command=job.command, environment=job.environment, text=text, note=note
        )
        self._jobs[number] = job
        return number

    def cancel(self, number: int) -> None:
        """Forget a clean-up job."""
        self._ask("cancel", number=number)
        self._jobs.pop(number, None)

    def close(self) -> None:
        """End all and wait until it is gone."""
        self._answers.close()
        self._channel.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self.folder.exists():
            self._clean_up_after_guardian()

    def _clean_up_after_guardian(self) -> None:
        """Do what the guardian could not: it was killed, or a job failed."""
        runs.end_processes(self.folder)
        unfinished = runs.open_jobs(self.folder)
        done = {
            number
            for number, job in reversed(self._jobs.items())
            if number in unfinished
            and guardian_process.run_job(job.command, job.environment, job.text)
        }
        for note in runs.bury(self.folder, done):
            LOG.warning("could not clean up: %s", note)

    def _ask(self, operation: str, **arguments: Any) -> Any:
        """Send one request and wait for its answer.

        Raises:
            OSError: The guardian could not do it.
            LaunchError: The guardian is gone.
        """
        with self._lock:
            self._serial += 1
            request = {"id": self._serial, "operation": operation, "arguments": arguments}
            try:
                self._channel.sendall(json.dumps(request).encode() + b"\n")
                answer = self._receive(self._serial)
            except (ConnectionError, json.JSONDecodeError) as error:
                raise LaunchError(
                    f"the process that guards the run has ended\n{_tail(self._log, 20)}".rstrip(),
                    "If nobody killed it, this is a bug of pinchpoint: please report it.",
                ) from error
        if "error" in answer:
            raise OSError(answer["error"])
        return answer["result"]

    def _receive(self, serial: int) -> dict[str, Any]:
        """Read the answer to one request; Ctrl-C may have left an earlier one unread."""
        while True:
            answer: dict[str, Any] = json.loads(self._answers.readline())
            if answer["id"] == serial:
                return answer


class Child:
    """A process that the guardian owns; it leads its own session and process group.

    Attributes:
        name: For messages.
        pid: Of the leader.
        log: File with its output.
    """

    def __init__(
        self, ask: Callable[..., Any], number: int, *, name: str, pid: int, log: Path
    ) -> None:
        self.name = name
        self.pid = pid
        self.log = log
        self._ask = ask
        self._number = number
        self._is_owned = True
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        if self._is_owned:
            self._status = self._ask("poll", number=self._number)
        return self._status

    def wait(self, timeout_s: float) -> int | None:
        """Wait for its end; None if it still runs after the timeout."""
        deadline = time.monotonic() + timeout_s
        while (status := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return status

    def stop(self, grace_s: float = 5.0) -> None:
        """Ask it to end, kill its group after the grace time, and wait until that is gone."""
        if self._is_owned:
            self._status = self._ask("stop", number=self._number, grace_s=grace_s)
            self._is_owned = False

    def suspend(self) -> None:
        """Freeze its group."""
        self._send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let its group go on."""
        self._send_signal(signal.SIGCONT)

    def tail(self, lines: int = 40) -> str:
        """The last lines of its output."""
        return _tail(self.log, lines)

    def _send_signal(self, number: signal.Signals) -> None:
        self._ask("send_signal", number=self._number, signal_number=int(number))


def _tail(path: Path, lines: int) -> str:
    with suppress(FileNotFoundError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""
