"""The probe gets into a process and is not noticed there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
import reading
from running import INJECT, interpreters

if TYPE_CHECKING:
    from running import Probe

pythons = pytest.mark.parametrize("python", interpreters())

MODULES = """
    import sys
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    print([file for file in files if file.endswith(".py")])
"""

RECORD_ONE = """
    import os, sys
    probe = sys.modules["pinchpoint_probe"]
    from pinchpoint_probe import spans
    def record():
        frame = spans.begin(os.getpid(), 0)
        spans.finish(frame.request, "GET /", 200)
"""


@pythons
def test_loads_at_most_twelve_files_into_a_bare_interpreter(probe: Probe, python: str) -> None:
    bare = set(ast.literal_eval(probe.run(MODULES, python=python, is_injected=False)))
    added = set(ast.literal_eval(probe.run(MODULES, python=python))) - bare
    assert len(added) <= 12, sorted(added)


@pythons
def test_leaves_nothing_on_the_module_path(probe: Probe, python: str) -> None:
    path = probe.run("import sys; print(sys.path)", python=python)
    assert str(INJECT) not in path
    assert str(INJECT.parent) not in path


@pythons
def test_runs_the_sitecustomize_that_it_hides(probe: Probe, python: str) -> None:
    probe.write("hidden/sitecustomize.py", "import builtins; builtins.was_run = __name__")
    both = f"{INJECT}:{probe.app / 'hidden'}"
    assert probe.run("print(was_run)", python=python, PYTHONPATH=both) == "sitecustomize"


def test_runs_the_hidden_sitecustomize_although_the_probe_fails(probe: Probe) -> None:
    probe.write("hidden/sitecustomize.py", "import builtins; builtins.was_run = 1")
    probe.write("hidden/struct.py", "raise ImportError('not this one')")
    both = f"{INJECT}:{probe.app / 'hidden'}"
    assert probe.run("print(was_run)", PYTHONPATH=both) == "1"


def test_does_nothing_without_a_folder(probe: Probe) -> None:
    code = "import sys; print('pinchpoint_probe' in sys.modules)"
    assert probe.run(code, PINCHPOINT_PROBE_DIR="") == "False"


@pythons
def test_a_fork_writes_to_a_ring_of_its_own(probe: Probe, python: str) -> None:
    fork = """
    record()
    child = os.fork()
    record()
    if child:
        assert os.waitpid(child, 0)[1] == 0
    """
    probe.run(RECORD_ONE + fork, python=python)
    by_ring = sorted((record.pid, record.trace) for record in reading.requests(probe.folder))
    assert len(by_ring) == 3
    assert len({pid for pid, _ in by_ring}) == 2
    assert all(pid == trace for pid, trace in by_ring)


@pythons
def test_records_a_request_with_its_threads_and_json(probe: Probe, python: str) -> None:
    code = """
    import json, time
    from concurrent.futures import ThreadPoolExecutor
    from pinchpoint_probe import entry
    def app(environ, start_response):
        start_response("200 OK", [])
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(work).result()
    def work():
        time.sleep(0)
        return json.dumps({"a": 1}).encode()
    environ = {"HTTP_X_PINCHPOINT": "7-1", "REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    print(list(entry.wrap_wsgi(app)(environ, lambda *_: None)))
    """
    assert probe.run(code, python=python) == """[b'{"a": 1}']"""
    found = reading.spans(probe.folder)
    categories = {span.category: span.function for span in found if span.category != "gc"}
    own = ("app", "sleep", "serialize")
    assert categories == {"executor": "", **dict.fromkeys(own, "work")}
    assert [request.name for request in reading.requests(probe.folder)] == ["GET /"]


def test_a_hook_that_raises_is_undone_and_recorded(probe: Probe) -> None:
    code = """
    import sys, types
    from pinchpoint_probe import patching, postimport
    module = types.ModuleType("library")
    module.__version__, module.value = "1.2", 1
    def patch(module):
        patching.replace(module, "value", 2)
        raise RuntimeError("does not fit")
    sys.modules["library"] = module
    postimport.run("library", module, patch)
    print(module.value, postimport.failures)
    """
    assert probe.run(code) == "1 [\"library (1.2): RuntimeError('does not fit')\"]"


def test_a_hook_file_that_cannot_be_loaded_is_recorded(probe: Probe) -> None:
    code = """
    import sys
    from pinchpoint_probe import postimport
    sys.modules["pinchpoint_probe.hooks.smtplib"] = None
    import smtplib
    print(postimport.failures)
    """
    assert "hook smtplib: " in probe.run(code)


def test_hooks_fit_the_installed_libraries(probe: Probe) -> None:
    code = """
    import concurrent.futures.thread, django.template, django.core.handlers.base, fastapi
    import flask, gunicorn.app.base, jinja2, starlette.endpoints, uvicorn
    from pinchpoint_probe import postimport
    print(postimport.failures)
    """
    assert probe.run(code) == "[]"


def test_modules_of_a_zip_file_get_their_own_hook_only(probe: Probe) -> None:
    code = """
    import sys, zipfile
    with zipfile.ZipFile("library.zip", "w") as archive:
        archive.writestr("jinja2/__init__.py", "")
        archive.writestr("jinja2/environment.py", "class Template: render = render_async = len")
        archive.writestr("jinja2/other.py", "")
    sys.path.insert(0, "library.zip")
    import jinja2.environment, jinja2.other
    from pinchpoint_probe import postimport
    print(postimport.hooked.count("jinja2.environment"), postimport.failures)
    """
    assert probe.run(code) == "1 []"
