"""What the walk makes of an application and of what is known of its traffic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from test_explore import _running, _visit

from pinchpoint.model.traffic import Ask, Traffic
from pinchpoint.model.workload import Parameter, Route
from pinchpoint.walk import Selection, combine, explore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinchpoint.model.workload import RequestTemplate
    from pinchpoint.walk import Exploration, Visit

LIST = Route(method="GET", path="/books")
BOOK = Route(method="GET", path="/books/{id}", parameters=(Parameter(name="id", kind="int"),))
MANY = {Ask("GET", f"/books/{number}"): 100 - number for number in range(60)}


def _explore(
    status: Callable[[str], int], routes: tuple[Route, ...], *known: Traffic, is_lost: bool = False
) -> Exploration:
    def visit(endpoint: str, path: str) -> Visit:
        seen = _visit(endpoint, path, (status(path), "", ()), 1)
        return replace(seen, trace=None, is_unobserved=True) if is_lost else seen

    table, found = combine([Traffic(source="the route table", routes=routes), *known])
    running = _running(lambda command, _: {"is_debug": False} if command == "debug" else {})
    return explore(running, table, visit, selection=Selection(), known=found)


def _loaded(found: Exploration) -> RequestTemplate:
    (template,) = found.workload.templates
    return template


def _reason(found: Exploration) -> str:
    (skipped,) = found.skipped
    return skipped.reason


def _log(asks: dict[Ask, int]) -> Traffic:
    return Traffic(source="access.log", asks=asks)


def _wanted(**texts: tuple[str, ...]) -> Traffic:
    return Traffic(source="[tool.pinchpoint.traffic]", values=texts)


def test_recorded_values_are_used_with_their_popularity() -> None:
    template = _loaded(_explore(lambda _: 200, (BOOK,), _log(MANY)))
    assert len(template.paths) == 60
    assert template.paths[0] == "/books/0"
    assert template.path_weights[0] == 100
    assert (template.weight, template.origin) == (sum(MANY.values()), "access.log")


def test_recorded_values_that_do_not_exist_here_get_no_load() -> None:
    template = _loaded(
        _explore(lambda path: 200 if path.endswith("0") else 404, (BOOK,), _log(MANY))
    )
    assert template.paths
    assert all(path.endswith("0") for path in template.paths)


def test_where_none_exists_other_values_take_over_the_popularity() -> None:
    asks = {Ask("GET", "/books/700"): 5, Ask("GET", "/books/800"): 1}
    template = _loaded(_explore(lambda path: 404 if "00" in path else 200, (BOOK,), _log(asks)))
    assert (template.paths, template.origin) == (("/books/1",), "guesses")


def test_recorded_redirects_leave_the_search_for_values_open() -> None:
    asks = {Ask("GET", "/books/700"): 5}
    template = _loaded(_explore(lambda path: 302 if "00" in path else 200, (BOOK,), _log(asks)))
    assert template.paths == ("/books/1",)


def test_a_masked_value_is_never_sent() -> None:
    user = Route(method="GET", path="/users/{name}", parameters=(Parameter(name="name"),))
    found = _explore(lambda _: 200, (user,), _log({Ask("GET", "/users/redacted"): 5}))
    assert _loaded(found).paths == ("/users/1",)


def test_recorded_queries_are_part_of_the_values() -> None:
    asks = {Ask("GET", "/books?page=2"): 3, Ask("GET", "/books"): 1}
    template = _loaded(_explore(lambda _: 200, (LIST,), _log(asks)))
    assert dict(zip(template.paths, template.path_weights, strict=True)) == {
        "/books?page=2": 3,
        "/books": 1,
    }


def test_the_users_values_are_used() -> None:
    template = _loaded(_explore(lambda _: 200, (BOOK,), _wanted(id=("5", "6"))))
    assert template.paths == ("/books/5", "/books/6")


def test_the_users_values_are_not_replaced_in_silence() -> None:
    found = _explore(lambda path: 404 if path.endswith("5") else 200, (BOOK,), _wanted(id=("5",)))
    assert _reason(found) == "answers 404 with values of [tool.pinchpoint.traffic]"


@pytest.mark.parametrize("is_required", [True, False])
def test_the_users_values_fill_a_query(*, is_required: bool) -> None:
    parameters = (Parameter(name="q", location="query", is_required=is_required),)
    search = Route(method="GET", path="/search", parameters=parameters)
    template = _loaded(_explore(lambda _: 200, (search,), _wanted(q=("tea", "cup"))))
    assert template.paths == ("/search?q=tea", "/search?q=cup")


def _search(**fields: object) -> Route:
    parameter = replace(Parameter(name="x", location="query"), **fields)
    return Route(method="GET", path="/search", parameters=(parameter,))


def test_a_value_that_is_refused_is_followed_by_the_next() -> None:
    template = _loaded(_explore(lambda path: 200 if "x=test" in path else 422, (_search(),)))
    assert template.paths == ("/search?x=test",)


def test_a_route_that_refuses_every_value_is_listed() -> None:
    assert _reason(_explore(lambda _: 422, (_search(),))) == "answers 422"


def test_choices_of_a_description_are_all_used() -> None:
    template = _loaded(_explore(lambda _: 200, (_search(examples=("old", "new")),)))
    assert template.paths == ("/search?x=old", "/search?x=new")
    assert template.origin == "the description"


def test_an_optional_query_stays_out() -> None:
    assert _loaded(_explore(lambda _: 200, (_search(is_required=False),))).paths == ("/search",)


def test_what_the_probe_does_not_see_gets_no_load() -> None:
    found = _explore(lambda _: 200, (LIST,), is_lost=True)
    assert _reason(found) == "the probe saw nothing of it"


def test_a_recorded_route_that_fails_is_listed_as_failing() -> None:
    assert _reason(_explore(lambda _: 500, (BOOK,), _log(MANY))) == "answers 500"
