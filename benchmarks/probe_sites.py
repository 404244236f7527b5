"""Call sites: small apps whose lines say which case they belong to, and what the probe names."""

from __future__ import annotations

import http.client
import itertools
import re
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pinchpoint.launch import choose_deployment, launch
from pinchpoint.launch.guardian import guard
from pinchpoint.model.app import App, Framework, Interface
from pinchpoint.model.span import Category
from pinchpoint.observe.stream import Reader
from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinchpoint.model.span import Trace

APPS = Path(__file__).parent / "probe_apps" / "call_sites"
INTERFACES = {
    "django_sites": (Framework.DJANGO, Interface.WSGI),
    "fastapi_sites": (Framework.FASTAPI, Interface.ASGI),
    "flask_sites": (Framework.FLASK, Interface.WSGI),
}
SHARED = "more_sites.py"
MARK = re.compile(r"# site: ([a-z_ ]+)")
STATEMENTS = ("SELECT", "INSERT")
"""What begins and ends a transaction has no line that one would look for."""
TRACE_WAIT_S = 10.0
ROUNDS = 3
MISSED = {
    "asynchronous": "Django runs the statement in a thread whose stack has other lines of the app",
    "lazy_relation_in_lines": "up to Python 3.12 an iterable belongs to the line of its bracket",
    "list_view": "a generic view's list is read with no line of the app but the middleware's",
    "response_model": "FastAPI reads the answer's attributes after the endpoint has returned",
}
"""Cases that cannot be right, and why."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way in which a statement comes about.

    Attributes:
        name: The app's path, without its slash.
        marked: `file:line` of the lines that cause its statements.
        seen: The same, as the probe named them, with an empty text if it named none.
    """

    name: str
    marked: frozenset[str]
    seen: frozenset[str]

    @property
    def is_right(self) -> bool:
        """Each marked line was named, and no other."""
        return self.seen == self.marked


def cases_of(app: str) -> list[Case]:
    """Request each path of an app that has marked lines.

    Round after round, as a line is sought from the depth where it was found the last time.
    """
    marked = marks_of(app)
    seen: dict[str, set[str]] = defaultdict(set)
    numbers = itertools.count(1)
    with _running(app) as (port, reader):
        for name in sorted(marked) * ROUNDS:
            lines = _visit(port, reader, next(numbers), name)
            if lines is not None:
                seen[name] |= lines
    return [
        Case(name=name, marked=frozenset(marked[name]), seen=frozenset(lines))
        for name, lines in seen.items()
    ]


def marks_of(app: str) -> Mapping[str, set[str]]:
    """`file:line` of the marked lines, by case; those of the shared files may be another app's."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in (APPS / f"{app}.py", APPS / SHARED, *APPS.glob("templates/*.html")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if mark := MARK.search(line):
                for name in mark[1].split():
                    found[name].add(f"{file.name}:{number}")
    return found


@contextmanager
def _running(app: str) -> Iterator[tuple[int, Reader]]:
    framework, interface = INTERFACES[app]
    with guard() as guardian, tempfile.TemporaryDirectory(prefix="pinchpoint-") as folder:
        found = App(
            target=f"{app}:app",
            interface=interface,
            framework=framework,
            directory=APPS,
            python=Path(sys.executable),
            environment={
                "SITES_URL": f"sqlite:///{folder}/sites.db",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        deployment = choose_deployment(found, workers=1)
        with launch(guardian, found, deployment) as (running, probe, _):
            probe.set_recording(on=True)
            with closing(Reader(probe.folder)) as reader:
                yield running.port, reader


def _visit(port: int, reader: Reader, number: int, name: str) -> frozenset[str] | None:
    """The lines that the probe named; None if the app has no such path."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        header = {wire.TRACE_HEADER: f"{number}-{time.perf_counter_ns()}"}
        connection.request("GET", f"/{name}", headers=header)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status == http.HTTPStatus.NOT_FOUND:
        return None
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"/{name} answers {answer.status}: {body[:200]!r}")
    return frozenset(_lines(_trace(reader, number)))


def _trace(reader: Reader, number: int) -> Trace:
    deadline_s = time.monotonic() + TRACE_WAIT_S
    while time.monotonic() < deadline_s:
        for trace in reader.collect().traces:
            if trace.trace_id == number:
                return trace
        time.sleep(0.01)
    raise RuntimeError(f"no record of request {number}")


def _lines(trace: Trace) -> Iterator[str]:
    for span in trace.spans:
        is_statement = span.category is Category.SQL and not span.is_continuation
        if is_statement and span.name.startswith(STATEMENTS):
            yield Path(span.site).name.rpartition(":")[0]
