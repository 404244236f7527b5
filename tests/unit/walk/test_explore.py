"""What the walk makes of an application that is played here: a function from path to answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinchpoint.errors import LaunchError
from pinchpoint.model.app import App, Deployment, Framework, Interface
from pinchpoint.model.running import Running
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Category, Span, Trace
from pinchpoint.model.workload import Parameter, Route, RouteTable
from pinchpoint.walk import Selection, explore, read_traffic
from pinchpoint.walk.client import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinchpoint.walk import Exploration

Answer = tuple[int, str, tuple[str, ...]]
"""Status, body or place of a redirect, statements."""

PROJECT = "SELECT * FROM project WHERE project.id = ?"
BILL = "SELECT * FROM bill WHERE bill.id = ?"
TABLES = {("project", "id"): ["flat", "trip"], ("bill", "id"): [7, 8, 9]}
SLOW_NS = 3_000_000_000


def _visit(endpoint: str, path: str, answer: Answer, duration_ns: int) -> Visit:
    status, text, statements = answer
    spans = tuple(
        Span(
            span_id=number,
            parent_id=0,
            category=Category.SQL,
            name=statement,
            site="",
            start_ns=1,
            end_ns=2,
            thread_id=1,
        )
        for number, statement in enumerate(statements, 1)
    )
    is_redirect = 300 <= status < 400
    headers = {"location": text} if is_redirect else {"content-type": "text/html"}
    return Visit(
        path=path,
        sample=Sample(
            trace_id=1,
            endpoint=endpoint,
            intended_ns=1,
            sent_ns=1,
            first_byte_ns=1 + duration_ns,
            completed_ns=1 + duration_ns,
            status=status,
            received_bytes=0,
        ),
        headers=headers,
        body=text.encode(),
        trace=Trace(1, endpoint, 1, 1, 1, 1, 2, 0, status, spans),
    )


def _walk(
    site: Callable[[str], Answer],
    *paths: str,
    kinds: Mapping[str, str] | None = None,
    duration_ns: int = 1,
    is_debug: bool = False,
) -> tuple[Exploration, list[str]]:
    """Explore; with it, the paths that were asked for."""

    def ask(command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if command == "debug":
            return {"is_debug": is_debug}
        return {"values": TABLES.get((arguments["table"], arguments["column"]), [])}

    def visit(endpoint: str, path: str) -> Visit:
        asked.append(path)
        resolved = "GET /static/{path}" if path.startswith("/static/") else endpoint
        return _visit(resolved, path, site(path), duration_ns)

    asked: list[str] = []
    table = RouteTable(routes=tuple(_route(path, kinds or {}) for path in paths))
    return explore(_running(ask), table, visit, selection=Selection()), asked


def _running(ask: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> Running:
    return Running(
        app=App(
            target="main:app",
            interface=Interface.WSGI,
            framework=Framework.FLASK,
            directory=Path("/app"),
            python=Path("/app/python"),
            found_by="as given",
        ),
        deployment=Deployment(server="gunicorn", workers=1),
        host="127.0.0.1",
        port=1,
        pid=1,
        ask=ask,
    )


def _route(path: str, kinds: Mapping[str, str]) -> Route:
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    parameters = tuple(Parameter(name=name, kind=kinds.get(name, "str")) for name in names)
    return Route(method="GET", path=path, parameters=parameters)


def _paths(exploration: Exploration) -> dict[str, tuple[str, ...]]:
    return {found.endpoint: found.paths for found in exploration.workload.templates}


def _reason(exploration: Exploration) -> str:
    (skipped,) = exploration.skipped
    return skipped.reason


def test_each_parameter_gets_keys_of_its_own_table() -> None:
    def site(path: str) -> Answer:
        _, project, _, bill = path.split("/")
        if project not in {"flat", "trip"}:
            return 404, "", (PROJECT,)
        return (200 if bill in {"7", "8", "9"} else 404), "", (PROJECT, BILL)

    found, _ = _walk(site, "/{project_id}/bills/{bill_id}")
    assert _paths(found) == {
        "GET /{project_id}/bills/{bill_id}": ("/flat/bills/7", "/flat/bills/8", "/flat/bills/9")
    }


def test_ids_of_another_table_are_no_keys() -> None:
    unknown = "SELECT * FROM host WHERE host.id = ?"  # no worker has a sample of it
    found, _ = _walk(lambda _: (200, "", (unknown, BILL)), "/hosts/{id}")
    assert _paths(found) == {"GET /hosts/{id}": ("/hosts/1",)}


def test_a_redirect_is_no_answer_where_a_key_gives_one() -> None:
    def site(path: str) -> Answer:
        is_known = path.strip("/") in {"flat", "trip"}
        return (200, "", (PROJECT,)) if is_known else (303, "/create?id=1", (PROJECT,))

    found, _ = _walk(site, "/{project_id}/")
    assert _paths(found) == {"GET /{project_id}/": ("/flat/", "/trip/")}


def test_a_redirect_is_an_answer_where_nothing_else_is_found() -> None:
    found, _ = _walk(lambda _: (302, "/", ()), "/wiki/{page}")
    assert _paths(found) == {"GET /wiki/{page}": ("/wiki/1",)}


def test_a_right_key_may_show_that_a_login_is_needed() -> None:
    def site(path: str) -> Answer:
        is_known = path.strip("/") in {"flat", "trip"}
        return 303, "/authenticate" if is_known else "/create", (PROJECT,)

    found, _ = _walk(site, "/{project_id}/")
    assert _reason(found) == "needs login (redirects to /authenticate)"


def test_a_page_to_come_back_to_means_a_login() -> None:
    found, _ = _walk(lambda _: (303, "/admin?goto=/dashboard", ()), "/dashboard")
    assert _reason(found) == "needs login (redirects to /admin)"


def test_a_blog_index_of_authors_is_no_login() -> None:
    found, _ = _walk(lambda _: (301, "/authors/blog-index/", ()), "/authors")
    assert list(_paths(found)) == ["GET /authors"]


@pytest.mark.parametrize(("count", "is_detour"), [(4, False), (5, True)])
def test_routes_that_all_lead_to_one_place_get_no_load(count: int, *, is_detour: bool) -> None:
    def site(path: str) -> Answer:
        return (200, "", ()) if path == "/setup" else (307, "/setup", ())

    found, _ = _walk(site, "/setup", *(f"/page{number}" for number in range(count)))
    assert ("GET /page0" not in _paths(found)) is is_detour
    assert all(one.reason == "redirects to /setup, as 5 routes do" for one in found.skipped)


def test_a_site_that_insists_on_https_gets_no_load() -> None:
    found, _ = _walk(lambda path: (301, f"https://127.0.0.1:1{path}", ()), "/about")
    assert _reason(found) == "answers only by https"


def test_a_slow_route_is_not_visited_again_and_again() -> None:
    _, asked = _walk(lambda _: (200, "", ()), "/report", duration_ns=SLOW_NS)
    assert len(asked) == 2  # does it answer, and what it does


def test_a_catch_all_gets_its_links_that_answer() -> None:
    def site(path: str) -> Answer:
        links = '<a href="/blog/"> <img src="/static/x.png"> <a href="/users/1"> <a href="/gone">'
        return (404 if path == "/gone" else 200), links, ()

    found, _ = _walk(site, "/start", "/{page}", "/users/{id}", kinds={"page": "path"})
    assert _paths(found)["GET /{page}"] == ("/blog/",)
    assert _paths(found)["GET /users/{id}"] == ("/users/1",)


def test_debug_mode_is_said() -> None:
    found, _ = _walk(lambda _: (200, "", ()), "/", is_debug=True)
    assert any("debug mode" in text for text in found.workload.assumptions)
    found, _ = _walk(lambda _: (200, "", ()), "/")
    assert not any("debug mode" in text for text in found.workload.assumptions)


def test_a_route_table_that_cannot_be_read_is_no_empty_one() -> None:
    running = _running(lambda *_: {"pid": 1, "error": "routes: AttributeError()"})
    with pytest.raises(LaunchError, match="cannot be read: routes: AttributeError"):
        read_traffic(running)
