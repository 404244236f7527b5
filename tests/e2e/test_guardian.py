"""Nothing of a run stays behind, whoever is killed: real processes, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from pinchpoint.errors import LaunchError
from pinchpoint.launch.guardian import guard
from pinchpoint.launch.guardian_process import identity

pytestmark = pytest.mark.e2e

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's prctl")


def python(script):
    return [sys.executable, "-S", "-c", script]


SLEEP = python("import time; print('up', flush=True); time.sleep(600)")

STUBBORN = python("""
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
time.sleep(600)
""")

LAST_WORDS = python("""
import signal, sys, time
def leave(number, _frame):
    with open(sys.argv[1], 'a') as file:
        file.write(' '.join([*sys.argv[2:], signal.Signals(number).name]) + '\\n')
    sys.exit()
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGINT, leave)
print('up', flush=True)
time.sleep(600)
""")

DAEMON = python("""
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1], 'w') as file:
            file.write(str(os.getpid()))
        print('up', flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(600)
""")

APPEND = ["/bin/sh", "-c", 'exec cat >>"$1"', "sh"]

TOOL = """
import json, os, sys, time
from pathlib import Path
from pinchpoint.launch.guardian import guard
wanted = json.loads(sys.argv[1])
with guard(base=Path(wanted["base"])) as guardian:
    if wanted["job"]:
        guardian.at_exit(wanted["job"], environment={}, text="job ran\\n", note="clone shop_a")
    children = [
        guardian.start(
            command, name=f"child-{n}", cwd=Path("/"), environment={},
            log=guardian.folder / f"child-{n}.log",
        )
        for n, command in enumerate(wanted["commands"])
    ]
    while not all("up" in child.tail() for child in children):
        time.sleep(0.01)
    fork = os.fork() if wanted["has_fork"] else -1
    if fork == 0:
        time.sleep(600)
    try:
        print(json.dumps({
            "fork": fork,
            "folder": str(guardian.folder),
            "guardian": guardian._process.pid,
            "children": [child.pid for child in children],
        }), flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@contextmanager
def tool(base, *commands, job=(), has_fork=False):
    """Another process that guards some children; ended after the test in any case."""
    wanted = json.dumps({"base": str(base), "commands": commands, "job": job, "has_fork": has_fork})
    process = subprocess.Popen(
        [sys.executable, "-c", TOOL, wanted],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with process.stdout:
            state = json.loads(process.stdout.readline())
            yield SimpleNamespace(
                process=process,
                folder=Path(state["folder"]),
                fork=state["fork"],
                guardian=state["guardian"],
                children=state["children"],
            )
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def base(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def guardian(base):
    with guard(base=base) as guardian:
        yield guardian


def begin(guardian, command, **more):
    """Start a child and wait until it is up (or ended)."""
    name = f"child-{len(list(guardian.folder.iterdir()))}"
    log = guardian.folder / f"{name}.log"
    more = {"name": name, "cwd": Path("/"), "environment": {}, "log": log} | more
    child = guardian.start(command, **more)
    eventually(lambda: "up" in child.tail() or child.poll() is not None)
    return child


def eventually(is_so, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_so()


def is_gone(pid):
    return not identity(pid)


def all_gone(run):
    return all(map(is_gone, [run.guardian, *run.children])) and not run.folder.exists()


class TestTheToolEnds:
    def test_returning_leaves_nothing(self, base):
        with guard(base=base) as guardian:
            child = begin(guardian, SLEEP)
        assert is_gone(child.pid)
        assert not guardian.folder.exists()

    def test_an_error_leaves_nothing(self, base):
        with pytest.raises(ZeroDivisionError), guard(base=base) as guardian:  # noqa: PT012  # what ends the block
            child = begin(guardian, SLEEP)
            _ = 1 / 0
        assert is_gone(child.pid)
        assert not guardian.folder.exists()

    def test_kill_leaves_nothing(self, base, tmp_path):
        job = [*APPEND, str(tmp_path / "job")]
        with tool(base, SLEEP, STUBBORN, SLEEP, job=job) as run:
            run.process.kill()
            eventually(lambda: all_gone(run))
        assert (tmp_path / "job").read_text() == "job ran\n"

    def test_kill_leaves_nothing_even_if_a_fork_holds_the_channel(self, base):
        with tool(base, SLEEP, has_fork=True) as run:
            run.process.kill()
            eventually(lambda: all_gone(run))
            os.kill(run.fork, signal.SIGKILL)

    def test_terminate_leaves_nothing(self, base):
        with tool(base, SLEEP) as run:
            run.process.terminate()
            eventually(lambda: all_gone(run))

    def test_interrupt_of_the_terminal_reaches_only_the_tool(self, base, tmp_path):
        said = tmp_path / "signals"
        with tool(base, [*LAST_WORDS, str(said)]) as run:
            os.killpg(run.process.pid, signal.SIGINT)
            assert run.process.stdout.read() == "interrupted\n"
            eventually(lambda: all_gone(run))
        assert said.read_text() == "SIGTERM\n"

    def test_a_suspended_child_ends_too(self, base):
        with tool(base, SLEEP) as run:
            os.killpg(run.children[0], signal.SIGSTOP)
            run.process.kill()
            eventually(lambda: all_gone(run))

    @LINUX_ONLY
    def test_a_daemon_ends_too(self, base, tmp_path):
        with tool(base, [*DAEMON, str(tmp_path / "pid")]) as run:
            pid = int((tmp_path / "pid").read_text())
            assert not is_gone(pid)
            run.process.kill()
            eventually(lambda: all_gone(run))
        assert is_gone(pid)


class TestTheGuardianIsKilled:
    @LINUX_ONLY
    def test_its_children_end_at_once(self, base):
        with tool(base, SLEEP, SLEEP) as run:
            os.kill(run.guardian, signal.SIGKILL)
            eventually(lambda: all(map(is_gone, run.children)))

    def test_the_tool_says_so_and_cleans_up(self, base, tmp_path):
        job = [*APPEND, str(tmp_path / "job")]
        with guard(base=base) as mine:
            child = begin(mine, STUBBORN)
            mine.at_exit(job, environment={}, text="job ran\n")
            mine._process.kill()
            mine._process.wait()
            with pytest.raises(LaunchError, match="guards the run has ended"):
                child.poll()
        assert is_gone(child.pid)
        assert not mine.folder.exists()
        assert (tmp_path / "job").read_text() == "job ran\n"

    def test_the_next_start_sweeps_what_both_left(self, base, tmp_path):
        job = [*APPEND, str(tmp_path / "job")]
        with tool(base, STUBBORN, job=job) as run:
            run.process.kill()
            os.kill(run.guardian, signal.SIGKILL)
            eventually(lambda: is_gone(run.guardian) and is_gone(run.process.pid))
            assert not is_gone(run.children[0])
            with guard(base=base) as guardian:
                assert all_gone(run)
                assert guardian.left_behind == ("clone shop_a",)
        assert not (tmp_path / "job").exists()


def test_two_runs_at_once_do_not_touch_each_other(base):
    with tool(base, SLEEP) as first:
        with tool(base, SLEEP) as second:
            assert first.folder != second.folder
            second.process.kill()
            eventually(lambda: all_gone(second))
        with guard(base=base):
            assert not any(map(is_gone, first.children))
            assert first.folder.exists()


class TestChild:
    def test_its_exit_status(self, guardian):
        child = begin(guardian, python("raise SystemExit(7)"))
        assert child.wait(30) == 7

    def test_a_running_one_has_no_exit_status(self, guardian):
        child = begin(guardian, SLEEP)
        assert child.poll() is None
        assert child.wait(0) is None
        child.stop()

    def test_what_it_said(self, guardian):
        child = begin(guardian, python("for n in range(9): print('line', n)"))
        child.wait(30)
        assert child.tail(2) == "line 7\nline 8"

    def test_its_standard_input(self, guardian):
        child = begin(guardian, ["/bin/cat"], text="a statement")
        child.wait(30)
        assert child.tail() == "a statement"

    def test_stop_ends_a_stubborn_one(self, guardian):
        child = begin(guardian, STUBBORN)
        child.stop(grace_s=0.1)
        assert child.poll() == -signal.SIGKILL
        assert is_gone(child.pid)

    def test_stop_ends_its_group(self, guardian, tmp_path):
        script = (
            f"{sys.executable} -S -c 'import time; time.sleep(600)' & echo $! >$1; echo up; wait"
        )
        child = begin(guardian, ["/bin/sh", "-c", script, "sh", str(tmp_path / "pid")])
        worker = int((tmp_path / "pid").read_text())
        child.stop()
        assert is_gone(worker)

    def test_stop_ends_the_group_of_one_that_ended(self, guardian, tmp_path):
        script = f"{sys.executable} -S -c 'import time; time.sleep(600)' & echo $! >$1"
        child = begin(guardian, ["/bin/sh", "-c", script, "sh", str(tmp_path / "pid")])
        assert child.wait(30) == 0
        worker = int((tmp_path / "pid").read_text())
        assert not is_gone(worker)
        child.stop()
        assert is_gone(worker)

    def test_stop_twice_is_stop_once(self, guardian):
        child = begin(guardian, SLEEP)
        child.stop()
        child.stop()
        assert child.poll() == -signal.SIGTERM

    def test_stop_sends_the_signal_that_was_asked_for(self, guardian, tmp_path):
        said = tmp_path / "signals"
        child = begin(guardian, [*LAST_WORDS, str(said)], stop_signal=signal.SIGINT)
        child.stop()
        assert said.read_text() == "SIGINT\n"

    def test_suspend_and_resume(self, guardian):
        child = begin(guardian, SLEEP)
        child.suspend()
        eventually(lambda: state(child.pid) == "T")
        child.resume()
        eventually(lambda: state(child.pid) in "SR")
        child.stop()

    def test_a_suspended_one_can_be_stopped(self, guardian, tmp_path):
        said = tmp_path / "signals"
        child = begin(guardian, [*LAST_WORDS, str(said)])
        child.suspend()
        child.stop()
        assert said.read_text() == "SIGTERM\n"

    def test_a_missing_program_is_the_users_error(self, guardian):
        with pytest.raises(LaunchError, match=r"cannot start child-.*no-such-program"):
            begin(guardian, ["/no-such-program"])
        other = begin(guardian, SLEEP)
        assert other.poll() is None
        other.stop()

    def test_an_unknown_account_is_the_users_error(self, guardian):
        with pytest.raises(LaunchError, match="no-such-account"):
            begin(guardian, SLEEP, user="no-such-account")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
    def test_another_account_ends_with_the_guardian_too(self, guardian):
        child = begin(guardian, ["/bin/sh", "-c", "id -nu; echo up; exec sleep 600"], user="nobody")
        assert child.tail().startswith("nobody")
        os.kill(guardian._process.pid, signal.SIGKILL)
        eventually(lambda: is_gone(child.pid))


class TestCleanUpJobs:
    def test_the_last_ends_first(self, base, tmp_path):
        order = tmp_path / "order"
        with guard(base=base) as guardian:
            for name in ("first", "second"):
                begin(guardian, [*LAST_WORDS, str(order), name])
                guardian.at_exit([*APPEND, str(order)], environment={}, text=f"job of {name}\n")
        assert order.read_text() == "job of second\nsecond SIGTERM\njob of first\nfirst SIGTERM\n"

    def test_a_cancelled_one_does_not_run(self, base, tmp_path):
        with guard(base=base) as guardian:
            job = guardian.at_exit(
                [*APPEND, str(tmp_path / "job")], environment={}, text="job ran\n"
            )
            guardian.cancel(job)
            guardian.cancel(job)
        assert not (tmp_path / "job").exists()

    def test_a_failed_one_is_told_and_does_not_stop_the_others(self, base, tmp_path, caplog):
        with guard(base=base) as guardian:
            guardian.at_exit([*APPEND, str(tmp_path / "job")], environment={}, text="job ran\n")
            guardian.at_exit(["/bin/false"], environment={}, text="", note="clone shop_b")
        assert (tmp_path / "job").read_text() == "job ran\n"
        assert "clone shop_b" in caplog.text
        assert not guardian.folder.exists()


def test_secrets_are_not_written(guardian):
    guardian.at_exit(["/bin/true"], environment={"PASSWORD": "hush"}, text="hush", note="n")
    child = begin(guardian, SLEEP, environment={"PASSWORD": "hush"}, text="hush")
    written = [path.read_text() for path in guardian.folder.rglob("*") if path.is_file()]
    assert len(written) >= 3
    assert "hush" not in "".join(written)
    child.stop()


def test_the_folder_is_private(guardian):
    assert guardian.folder.stat().st_mode & 0o777 == 0o700


def state(pid):
    shown = subprocess.run(
        ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return shown.stdout.strip()[0]
