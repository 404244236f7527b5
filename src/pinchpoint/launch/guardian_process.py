"""The guardian: owns all processes of a run and ends them when its channel to the tool closes.

Run as a script, `python -I -S guardian_process.py FOLDER REGISTRY_FD`; standard library only,
so that it is up in a few hundredths of a second. Standard input and output are one channel
to the tool. Requests and answers are JSON, one a line:

    {"id": 1, "operation": "start", "arguments": {...}}  ->  {"id": 1, "result": 4711}
                                                         or  {"id": 1, "error": "..."}

Operations are the public methods of `Guardian`. Environment and text of a request may hold
secrets: they are passed on and never written.

The registry is what survives this process, for `runs` to sweep: a JSON object a line,
`{"pid", "identity"}` of each child, `{"job", "note"}` of each clean-up job, `{"done"}` after it.
It is locked for as long as the run lives.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from typing import Any

MARK = "_PINCHPOINT_RUN"
"""Variable that each process of a run inherits; its value is the run's folder."""

CHECK_S = 1.0
"""How often the tool's life is checked, should another process hold its end of the channel open."""

POLL_S = 0.005
END_GRACE_S = 5.0
"""For each child at the end; longer would be noticed after Ctrl-C."""

KILL_TIMEOUT_S = 5.0
"""A killed process that is not gone by then hangs in the kernel and cannot be ended."""

JOB_TIMEOUT_S = 30.0

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def identity(pid: int) -> str:
    """Tell processes with the same id apart; empty if there is none (or only a zombie).

    On Linux the boot and the start in clock ticks after it, elsewhere the start in seconds.
    """
    if sys.platform == "linux":
        return _linux_identity(pid)
    shown = subprocess.run(
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _linux_identity(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib doubles the start-up time
            # proc_pid_stat(5): field 3 is the state, 22 the start; the name may hold blanks.
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123  # as above
        boot = file.read().strip()
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def remove_folder(folder: str) -> None:
    """Remove a folder in which dying processes may still create files."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while os.path.lexists(folder) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(POLL_S)


def run_job(command: Sequence[str], environment: Mapping[str, str], text: str) -> bool:
    """Run a clean-up job and tell whether it went well; its output may hold secrets: dropped."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command,
            input=text.encode(),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=JOB_TIMEOUT_S,
            start_new_session=True,
            check=False,
        )
        return done.returncode == 0
    return False


class _Process:
    """A child that leads its own session and group."""

    def __init__(self, popen: subprocess.Popen[bytes], stop_signal: int) -> None:
        self.popen = popen
        self.pid = popen.pid
        self.stop_signal = stop_signal

    def poll(self) -> int | None:
        """Reap what has ended of its group; its exit status, once it has one."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-self.pid, os.WNOHANG))[0]:
                if ended[0] == self.pid:
                    self.popen.returncode = os.waitstatus_to_exitcode(ended[1])
        return self.popen.returncode

    def stop(self, grace_s: float) -> int | None:
        """Ask the leader, then kill what remains of the group (systemd's KillMode=mixed)."""
        deadline = time.monotonic() + grace_s
        if self.poll() is None:
            os.kill(self.pid, self.stop_signal)
            self.send_signal(signal.SIGCONT)  # a suspended process takes no other signal
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
        deadline = time.monotonic() + KILL_TIMEOUT_S
        while self.send_signal(signal.SIGKILL) and time.monotonic() < deadline:
            time.sleep(POLL_S)
            self.poll()
        return self.poll()

    def send_signal(self, number: int) -> bool:
        """Send a signal to the whole group; False if nobody is left in it."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS: not permitted, if all are zombies
            return False
        return True


class _Job:
    """A clean-up job."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], text: str) -> None:
        self.command = command
        self.environment = environment
        self.text = text

    def run(self) -> bool:
        return run_job(self.command, self.environment, self.text)


class Guardian:
    """What the tool can ask for. All that it owns ends in reverse order of its beginning.

    Args:
        folder: The run's, removed at the end.
        registry: Descriptor of the run's registry, opened for appending.
        die_with_guardian: Called in each child; takes the signal that the kernel shall send it
            when the guardian ends.
    """

    def __init__(
        self, folder: str, registry: int, die_with_guardian: Callable[[int], None] | None
    ) -> None:
        self.folder = folder
        self.registry = registry
        self.die_with_guardian = die_with_guardian
        self.owned: dict[int, _Process | _Job] = {}
        self.serial = 0

    def start(  # noqa: PLR0913  # each is one property of a process
        self,
        *,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        log: str,
        user: str,
        stop_signal: int,
        text: str,
    ) -> list[int]:
        """Start a child in its own session; its number here and its process id."""
        account = pwd.getpwnam(user) if user else None
        die = self.die_with_guardian and partial(self.die_with_guardian, stop_signal)
        with _open_log(log) as output:
            popen = subprocess.Popen(
                command,
                cwd=cwd,
                env={**environment, MARK: self.folder},
                stdin=subprocess.PIPE if text else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=account and account.pw_uid,
                group=account and account.pw_gid,
                extra_groups=[] if account else None,
                # Safe, as this process has a single thread.
                preexec_fn=die,  # noqa: PLW1509
            )
        self._register(pid=popen.pid, identity=identity(popen.pid))
        if popen.stdin:
            with suppress(BrokenPipeError), popen.stdin as pipe:
                pipe.write(text.encode())
        return [self._own(_Process(popen, stop_signal)), popen.pid]

    def poll(self, *, number: int) -> int | None:
        """A child's exit status; None while it runs."""
        return self._process(number).poll()

    def stop(self, *, number: int, grace_s: float) -> int | None:
        """End a child and its group; its exit status."""
        status = self._process(number).stop(grace_s)
        del self.owned[number]
        return status

    def send_signal(self, *, number: int, signal_number: int) -> bool:
        """Send a signal to a child's group."""
        return self._process(number).send_signal(signal_number)

    def at_exit(
        self, *, command: Sequence[str], environment: Mapping[str, str], text: str, note: str
    ) -> int:
        """Register a clean-up job; its number."""
        number = self._own(_Job(command, environment, text))
        self._register(job=number, note=note)
        return number

    def cancel(self, *, number: int) -> None:
        """Forget a clean-up job, if it is still there."""
        self.owned.pop(number, None)
        self._register(done=number)

    def end(self) -> bool:
        """End all, the last first. False if a job failed: then the folder stays for the sweep."""
        went_well = True
        for number, owned in reversed(self.owned.items()):
            if isinstance(owned, _Process):
                with suppress(OSError):  # the others end nevertheless
                    owned.stop(END_GRACE_S)
            elif owned.run():
                self._register(done=number)
            else:
                went_well = False
        if sys.platform == "linux":
            _end_orphans()
        if went_well:
            remove_folder(self.folder)
        return went_well

    def _own(self, owned: _Process | _Job) -> int:
        self.serial += 1
        self.owned[self.serial] = owned
        return self.serial

    def _process(self, number: int) -> _Process:
        owned = self.owned[number]
        assert isinstance(owned, _Process)  # noqa: S101  # the tool sends back what it was given
        return owned

    def _register(self, **entry: object) -> None:
        os.write(self.registry, json.dumps(entry).encode() + b"\n")


@contextmanager
def _open_log(path: str) -> Generator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _end_orphans() -> None:
    """Kill what left its group, such as a daemon: a subreaper inherits it."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while (orphans := _children()) and time.monotonic() < deadline:
        for pid in orphans:
            with suppress(PermissionError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        time.sleep(POLL_S)


def _children() -> list[int]:
    path = f"/proc/self/task/{os.getpid()}/children"
    with suppress(FileNotFoundError), open(path, encoding="ascii") as file:  # noqa: PTH123  # as above
        return [int(pid) for pid in file.read().split()]
    return []  # a kernel without CONFIG_PROC_CHILDREN


def _become_subreaper() -> Callable[[int], None]:
    """Inherit orphans, as the first process of a container may not reap them.

    Returns:
        A function that makes the calling child get a signal when the guardian ends (prctl(2);
        to be called after a change of user, which would clear it).
    """
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))
    guardian = os.getpid()

    def die_with_guardian(number: int) -> None:
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(number))
        if os.getppid() != guardian:
            os._exit(1)

    return die_with_guardian


def _read_requests() -> Iterator[dict[str, Any]]:
    """Yield the tool's requests until its end of the channel closes or its process is gone."""
    tool = os.getppid()
    pending = b""
    while os.getppid() == tool:
        if not select.select([0], [], [], CHECK_S)[0]:
            continue
        received = os.read(0, 1 << 16)
        if not received:
            return
        *lines, pending = (pending + received).split(b"\n")
        yield from map(json.loads, lines)


def _answer(guardian: Guardian, request: dict[str, Any]) -> dict[str, Any]:
    try:
        result = getattr(guardian, request["operation"])(**request["arguments"])
    except (OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
        return {"id": request["id"], "error": str(error)}
    return {"id": request["id"], "result": result}


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(1)


def _go_on(_number: int, _frame: object) -> None:
    """Do nothing. Unlike SIG_IGN, a handler is not inherited by the clean-up jobs."""


def _handle_signals(handler: Callable[[int, object], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handler)


def main(folder: str, registry: str) -> int:
    """Answer requests until the tool is gone, then end all; 1 if something stayed behind."""
    _handle_signals(_leave)
    os.set_inheritable(int(registry), False)  # noqa: FBT003  # its only argument
    die_with_guardian = _become_subreaper() if sys.platform == "linux" else None
    guardian = Guardian(folder, int(registry), die_with_guardian)
    try:
        with suppress(ConnectionError):
            for request in _read_requests():
                os.write(1, json.dumps(_answer(guardian, request)).encode() + b"\n")
    finally:
        _handle_signals(_go_on)
        went_well = guardian.end()
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
