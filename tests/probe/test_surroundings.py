"""What applications and other tools do to a process, and the probe lives through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import reading
from running import DEADLINE_S, interpreters

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from pathlib import Path

    from running import Probe

pythons = pytest.mark.parametrize("python", interpreters())

RECORD = """
    import os, sys
    from pinchpoint_probe import entry
    served = entry.wrap_wsgi(lambda environ, start_response: [b"ok"])
    def record(trace):
        environ = {"HTTP_X_PINCHPOINT": f"{trace}-1", "REQUEST_METHOD": "GET", "PATH_INFO": "/"}
        assert served(environ, None) == [b"ok"]
"""
STATE = """
    import json
    from pinchpoint_probe import commands, state
    header = f"{state.token} state"
    print(json.dumps(json.loads(commands.answer(header, "", None, "wsgi"))))
"""


def traces(folder: Path) -> list[int]:
    return sorted(request.trace for request in reading.requests(folder))


@pythons
def test_an_application_that_closes_all_descriptors(probe: Probe, python: str) -> None:
    code = """
    record(1)
    os.closerange(3, 1000)
    record(2)
    mine = [os.open(os.devnull, os.O_RDONLY) for _ in range(9)]
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
    else:
        record(3)
        assert all(os.fstat(one) for one in mine)  # none was closed with the parent's files
    """
    probe.run(RECORD + code, python=python)
    assert traces(probe.folder) == [1, 2, 3]


def test_os_exit_keeps_the_records(probe: Probe) -> None:
    probe.run(RECORD + "    record(1)\n    os._exit(0)\n")
    assert traces(probe.folder) == [1]


def test_a_killed_worker_keeps_its_last_records(probe: Probe) -> None:
    code = """
    import signal
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    else:
        for trace in range(1, 1001):
            record(trace)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    probe.run(RECORD + code)
    assert traces(probe.folder) == list(range(1, 1001))


def test_a_fork_that_python_does_not_know_of(probe: Probe) -> None:
    code = """
    import ctypes
    record(1)
    if child := ctypes.PyDLL(None).fork():
        assert os.waitpid(child, 0)[1] == 0
        record(3)
    else:
        record(2)
        os._exit(0)
    """
    probe.run(RECORD + code)
    assert traces(probe.folder) == [1, 2, 3]
    assert len({request.pid for request in reading.requests(probe.folder)}) == 2


def test_a_fork_inside_of_a_request_and_its_grandchild(probe: Probe) -> None:
    code = """
    from pinchpoint_probe import spans
    def forking(environ, start_response):
        if child := os.fork():
            os.waitpid(child, 0)
            return [b"ok"]
        if grandchild := os.fork():
            os._exit(os.waitpid(grandchild, 0)[1])
        record(2)
        os._exit(0)
    outer = entry.wrap_wsgi(forking)
    outer({"HTTP_X_PINCHPOINT": "1-1", "REQUEST_METHOD": "GET", "PATH_INFO": "/"}, None)
    """
    probe.run(RECORD + code)
    assert traces(probe.folder) == [1, 2]


@pythons
def test_another_interpreter_in_the_process_leaves_the_records_alone(
    probe: Probe, python: str
) -> None:
    code = """
    try:
        import _interpreters as interpreters  # Python 3.13
        run = interpreters.exec
    except ImportError:
        import _xxsubinterpreters as interpreters
        run = interpreters.run_string
    record(1)
    failed = run(interpreters.create(), '''INNER''')
    assert failed is None, failed
    record(2)
    """
    lines = [line.removeprefix("    ") for line in (RECORD + "    record(9)").splitlines()]
    probe.run(RECORD + code.replace("INNER", "\\n".join(lines)), python=python)
    assert traces(probe.folder) == [1, 2]


@pythons
def test_an_application_that_replaces_the_finders_is_patched_late(
    probe: Probe, python: str
) -> None:
    code = """
    import sys
    sys.meta_path = [one for one in sys.meta_path if isinstance(one, type)]
    import json
    early = json.JSONEncoder.encode
    """
    late = """
    assert json.JSONEncoder.encode is not early
    """
    printed = probe.run(code + RECORD + late + STATE, python=python)
    (failure,) = json.loads(printed)["failures"]
    assert failure.startswith("sys.meta_path was replaced")
    assert "json" in failure


@pythons
def test_a_finder_that_asks_all_finders_does_not_patch_twice(probe: Probe, python: str) -> None:
    code = """
    import importlib.util, sys
    class Other:  # as ddtrace, New Relic and wrapt do it
        def __init__(self):
            self.asked = set()
        def find_spec(self, name, path=None, target=None):
            if name in self.asked:
                return None
            self.asked.add(name)
            try:
                return importlib.util.find_spec(name)
            finally:
                self.asked.discard(name)
    sys.meta_path.insert(0, Other())
    sys.meta_path.insert(2, Other())  # behind ours
    import json
    from pinchpoint_probe import postimport
    assert not hasattr(json.JSONEncoder.encode.__wrapped__, "__wrapped__")
    print(postimport.hooked.count("json.encoder"), postimport.failures)
    """
    assert probe.run(code, python=python) == "1 []"


def test_finders_of_python_3_11_are_left_to_python(probe: Probe) -> None:
    code = """
    import sys
    class Old:
        def find_module(self, name, path=None):
            return None
    sys.meta_path.insert(0, Old())
    import json
    from pinchpoint_probe import postimport
    print("json.encoder" in postimport.hooked)
    """
    assert probe.run(code, PYTHONWARNINGS="ignore") == "True"


def test_a_full_disk_is_reported_and_not_noticed(probe: Probe) -> None:
    code = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    record(1)
    """
    printed = probe.run(RECORD + code + STATE)
    assert any("records are lost" in one for one in json.loads(printed)["failures"])
    assert all(ring.stat().st_size == 0 for ring in probe.folder.glob("*.ring"))


def test_no_user_site_is_no_obstacle(probe: Probe) -> None:
    probe.run(RECORD + "    record(1)\n", PYTHONNOUSERSITE="1")
    assert traces(probe.folder) == [1]


@pytest.mark.parametrize("flag", ["-S", "-I", "-E"])
def test_python_can_be_told_not_to_load_the_probe(probe: Probe, flag: str) -> None:
    code = "import sys; print('pinchpoint_probe' in sys.modules)"
    done = subprocess.run(
        [sys.executable, flag, "-c", code],
        env=probe.environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_two_runs_of_one_application_write_apart(probe: Probe, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "control").write_bytes((probe.folder / "control").read_bytes())
    probe.run(RECORD + "    record(1)\n")
    probe.run(RECORD + "    record(2)\n", **{wire.DIRECTORY_VARIABLE: str(other)})
    assert (traces(probe.folder), traces(other)) == ([1], [2])


def test_a_run_inside_of_a_run_loads_one_probe(probe: Probe) -> None:
    path = probe.environment()["PYTHONPATH"]
    probe.run(RECORD + "    record(1)\n", PYTHONPATH=os.pathsep.join([path, path]))
    assert traces(probe.folder) == [1]


def test_other_instruments_are_named(probe: Probe) -> None:
    probe.write("sentry_sdk.py", "")
    probe.write("opentelemetry/sdk/trace.py", "")
    printed = probe.run("    import sentry_sdk, opentelemetry.sdk.trace\n" + RECORD + STATE)
    assert json.loads(printed)["instruments"] == ["OpenTelemetry", "Sentry"]


def test_an_interface_for_instruments_is_none(probe: Probe) -> None:
    probe.write("opentelemetry/trace.py", "")
    printed = probe.run("    import opentelemetry.trace\n" + RECORD + STATE)
    assert json.loads(printed)["instruments"] == []


def test_a_launcher_that_hides_our_sitecustomize_gets_the_probe_all_the_same(probe: Probe) -> None:
    folder = "opentelemetry/instrumentation/auto_instrumentation"
    probe.write(f"{folder}/__init__.py", "from os import execl")
    probe.write(f"{folder}/sitecustomize.py", "import builtins; builtins.was_run = True")
    code = f"""
    import os, sys
    from opentelemetry.instrumentation import auto_instrumentation
    os.environ["PYTHONPATH"] = os.path.abspath("{folder}") + ":" + os.environ["PYTHONPATH"]
    program = "import sys; print(was_run, 'pinchpoint_probe' in sys.modules)"
    auto_instrumentation.execl(sys.executable, sys.executable, "-c", program)
    """
    assert probe.run(code) == "True True"
