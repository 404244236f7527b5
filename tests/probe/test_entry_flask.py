"""Flask under gunicorn: endpoints, views, JSON and templates; answers stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import reading
from running import Probe, Traced, poll

from pinchpoint_probe import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from running import Server

APP = """
    import functools, io, json, time
    from concurrent.futures import ThreadPoolExecutor
    from flask import Blueprint, Flask, Response, jsonify, render_template_string, request
    from flask import send_file, stream_with_context

    app = Flask(__name__)
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    def noted(view):
        @functools.wraps(view)
        def call(*args, **kwargs):
            return view(*args, **kwargs)
        return call

    @app.get("/")
    def index():
        return "index"

    @shop.get("/items/<int:item_id>/<path:rest>")
    @noted
    def item(item_id, rest):
        return jsonify(id=item_id, headers=sorted(dict(request.headers)))

    @app.get("/page")
    def page():
        return render_template_string("{{ json }}", json=json.dumps({"a": 1}))

    @app.get("/stream")
    def stream():
        def parts():
            yield "a"
            time.sleep(0)
            yield request.path
        return Response(stream_with_context(parts()))

    @app.get("/file")
    def file():
        return send_file(io.BytesIO(b"file" * 100), mimetype="text/plain")

    @app.get("/fail")
    def fail():
        raise LookupError

    @app.get("/threads")
    def threads():
        with ThreadPoolExecutor(1) as pool:
            return str(pool.submit(work).result())

    def work():
        time.sleep(0)
        return "worked"

    app.register_blueprint(shop)
"""
PATHS = [
    ("/", 200),
    ("/shop/items/3/a/b", 200),
    ("/page", 200),
    ("/stream", 200),
    ("/file", 200),
    ("/fail", 500),
    ("/threads", 200),
    ("/absent", 404),
    ("/static/absent", 404),
]
SERVER = ("gunicorn", "-b", "127.0.0.1:{port}", "app:app")


@pytest.fixture(scope="module", params=[(), ("--threads", "4")], ids=["sync", "gthread"])
def arguments(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


@pytest.fixture(scope="module")
def served(
    arguments: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Probe, Server]]:
    folder = tmp_path_factory.mktemp("flask")
    probe = Probe(folder / "probe", folder / "app")
    probe.write("app.py", APP)
    with probe.serve(*SERVER, *arguments) as server:
        yield probe, server


@pytest.fixture(scope="module")
def bare(arguments: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bare")
    probe = Probe(folder / "probe", folder / "app")
    probe.write("app.py", APP)
    with probe.serve(*SERVER, *arguments, is_injected=False) as server:
        yield server


@pytest.mark.parametrize(("path", "status"), PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answers_are_the_same(
    served: tuple[Probe, Server], bare: Server, path: str, status: int, method: str
) -> None:
    traced = Traced(*served, path, method)
    assert traced.answer == bare.get(path, method=method)
    assert traced.answer == served[1].get(path, method=method)
    assert traced.answer[0] == traced.request.extra == status


def test_the_endpoint_is_the_rule(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/shop/items/3/a/b")
    assert traced.endpoint == "GET /shop/items/{item_id}/{rest}"


def test_an_unknown_path_is_its_own_endpoint(served: tuple[Probe, Server]) -> None:
    assert Traced(*served, "/absent").endpoint == "GET /absent"


def test_the_site_of_a_view_is_its_definition_behind_decorators(
    served: tuple[Probe, Server],
) -> None:
    (view,) = Traced(*served, "/shop/items/3/a/b").spans("app")
    line = APP.splitlines().index('    @shop.get("/items/<int:item_id>/<path:rest>")') + 1
    assert view.site == f"{served[0].app}/app.py:{line}:item"


def test_cpu_time_is_recorded(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/page")
    wall_us = (traced.request.end_ns - traced.request.start_ns) // 1000
    assert 0 < traced.request.rows <= wall_us


def test_serialization_is_recorded_once(served: tuple[Probe, Server]) -> None:
    (span,) = Traced(*served, "/shop/items/3/a/b").spans("serialize")
    assert "response" in span.name
    assert span.function == "item"


def test_a_template_is_recorded(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/page")
    assert traced.functions("template") == ["page"]
    assert traced.functions("serialize") == ["page"]


def test_a_stream_is_part_of_the_request(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/stream")
    (sleep,) = traced.spans("sleep")
    assert traced.request.start_ns <= sleep.start_ns <= sleep.end_ns <= traced.request.end_ns


def test_a_view_that_raises_has_failed(served: tuple[Probe, Server]) -> None:
    (view,) = Traced(*served, "/fail").spans("app")
    assert view.flags & wire.FAILED


def test_a_pools_thread_belongs_to_the_request(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/threads")
    assert [span.name for span in traced.spans("executor")] == ["work"]
    assert sorted(traced.functions("app")) == ["threads", "work"]
    assert traced.functions("sleep") == ["work"]


def test_spans_form_a_tree_inside_the_request(served: tuple[Probe, Server]) -> None:
    traced = Traced(*served, "/shop/items/3/a/b")
    by_id = {span.span: span for span in traced.spans("")}
    assert [span.parent for span in by_id.values() if span.category == "app"] == [0]
    for span in by_id.values():
        outer = by_id.get(span.parent, traced.request)
        assert outer.start_ns <= span.start_ns <= span.end_ns <= outer.end_ns


def test_the_process_says_what_it_observes(served: tuple[Probe, Server]) -> None:
    state = served[1].ask("state")
    assert {"flask", "gunicorn", "json", "jinja2"} <= state["hooked"].keys()
    assert state["hooked"]["gunicorn"] not in {"", "?"}
    assert state["failures"] == []


def test_a_wrong_token_gets_the_applications_answer(served: tuple[Probe, Server]) -> None:
    header = {wire.COMMAND_HEADER: "wrong state"}
    assert served[1].get("/", headers=header) == served[1].get("/")


def test_each_worker_of_a_preloaded_application_has_its_ring(probe: Probe) -> None:
    probe.write("app.py", APP)
    with probe.serve(*SERVER, "--preload", "-w", "2") as server:
        pids = poll(lambda: two_of(server.ask("state")["pid"] for _ in range(20)))
        rings = poll(lambda: two_of(Traced(probe, server, "/").request.pid for _ in range(20)))
    assert rings == pids
    traces = [request.trace for request in reading.requests(probe.folder)]
    assert len(traces) == len(set(traces))


def two_of(pids: Iterable[int]) -> set[int] | None:
    found = set(pids)
    return found if len(found) == 2 else None
