from __future__ import annotations

from dataclasses import replace

import pytest

from pinchpoint.errors import UsageError
from pinchpoint.model.traffic import Ask, Traffic
from pinchpoint.model.workload import Parameter, Route
from pinchpoint.walk import combine, document_in, read_traffic
from pinchpoint.walk.knowledge import Knowledge
from pinchpoint.walk.mix import assumptions, path_weights
from pinchpoint.walk.paths import Found

LIST = Route(method="GET", path="/books")
BOOK = Route(method="GET", path="/books/{id}", parameters=(Parameter(name="id", kind="int"),))
ABOUT = Route(method="GET", path="/about")
TABLE = Traffic(source="the route table", routes=(LIST, BOOK, ABOUT))
LOG = Traffic(
    source="access.log",
    asks={
        Ask("GET", "/books"): 3,
        Ask("GET", "/books/7"): 5,
        Ask("GET", "/books/8"): 2,
        Ask("GET", "/static/x.css"): 9,
        Ask("POST", "/books"): 4,
        Ask("HEAD", "/books"): 1,
    },
)
SEVEN = ("/books/7", "/books/8", "/books/9")


def _known(*sources: Traffic) -> Knowledge:
    return combine([TABLE, *sources])[1]


def _config(**settings: object) -> Traffic:
    return read_traffic(settings)


def test_shares_are_those_of_the_log() -> None:
    known = _known(LOG)
    assert known.weights == {"GET /books": 3, "GET /books/{id}": 7}
    assert known.targets["GET /books/{id}"] == {"/books/7": 5, "/books/8": 2}
    assert known.mix == "shares of 10 requests in access.log"
    assert known.refuses(ABOUT) == "never asked for in access.log"
    assert known.notes == ("recorded requests left out: 9 of no route, 4 POST, 1 HEAD",)


def test_a_log_of_another_application_is_an_error() -> None:
    other = Traffic(source="other.log", asks={Ask("GET", "/elsewhere"): 3})
    with pytest.raises(UsageError, match=r"other\.log: no request in it is a GET of a route"):
        _known(other)


def test_the_first_pattern_that_fits_decides() -> None:
    known = _known(LOG, _config(weights={"GET /books/{id}": 5, "/books*": 2, "*": 0}))
    assert known.weights == {"GET /books": 2, "GET /books/{id}": 5, "GET /about": 0}
    assert known.refuses(ABOUT) == "weight 0 in [tool.pinchpoint.traffic]"
    assert known.refuses(LIST) == ""


def test_a_route_without_a_pattern_has_weight_1() -> None:
    assert _known(_config(weights={"GET /books": 5})).weights["GET /about"] == 1


def test_nothing_is_refused_where_nothing_is_known() -> None:
    assert [_known().refuses(route) for route in TABLE.routes] == ["", "", ""]


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"weights": {"GET /boks": 1}}, "weights: 'GET /boks' fits no route", "'GET /books'"),
        ({"values": {"idd": [1]}}, "values: 'idd' is no parameter of any route", "'id'"),
        ({"values": {"zzzzzz": [1]}}, "values: 'zzzzzz'", "pinchpoint routes"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest(
    settings: dict[str, object], message: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        _known(_config(**settings))
    assert remedy in caught.value.remedy


def test_a_description_adds_examples_and_required_parameters() -> None:
    described = Route(
        method="GET",
        path="/api/books/{bookId}",
        parameters=(
            Parameter(name="bookId", examples=("7",)),
            Parameter(name="lang", location="query", examples=("de",)),
        ),
    )
    unknown = Route(method="GET", path="/api/authors")
    table, known = combine([TABLE, Traffic(source="openapi.yaml", routes=(described, unknown))])
    (book,) = [route for route in table.routes if route.path == BOOK.path]
    assert book.parameters == (
        Parameter(name="id", kind="int", examples=("7",)),
        Parameter(name="lang", location="query", examples=("de",)),
    )
    assert known.notes == ("openapi.yaml: 1 operations are not in the route table",)


def test_a_description_is_the_table_where_there_is_none() -> None:
    empty = Traffic(source="the route table")
    table, _ = combine([empty, Traffic(source="openapi.yaml", routes=(LIST,))])
    assert table.routes == (LIST,)


def test_what_no_source_recognises_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"notes\.txt: no kind of traffic is recognised"):
        read_traffic(document_in("notes.txt", b"buy milk\n"))


def test_recorded_values_are_as_popular_as_recorded() -> None:
    found = Found(paths=("/books/7", "/books/8"), counts=(5, 2), origin="access.log")
    assert path_weights(BOOK.endpoint, found, _known(LOG)) == (5, 2)


def test_other_values_take_over_the_popularity_by_rank() -> None:
    found = Found(paths=("/books/1", "/books/2", "/books/3"))
    assert path_weights(BOOK.endpoint, found, _known(LOG)) == (5, 2, 2)


def test_zipf_is_as_configured() -> None:
    known = _known(LOG, _config(popularity="zipf:1"))
    assert path_weights(BOOK.endpoint, Found(paths=SEVEN), known) == pytest.approx(
        (1, 1 / 2, 1 / 3)
    )


def test_uniform_is_as_configured() -> None:
    found = Found(paths=SEVEN[:2], counts=(5, 2))
    assert path_weights(BOOK.endpoint, found, _known(LOG, _config(popularity="uniform"))) == ()


def test_each_assumption_names_its_source() -> None:
    loaded = [("a", Found(paths=SEVEN, origin="links")), ("b", Found(paths=("/",)))]
    assert list(assumptions(loaded, _known())) == [
        "mix: equal shares of 2 routes",
        "values: links (1)",
        "popularity of values: all alike",
    ]
    assert list(assumptions(loaded, _known(LOG)))[:3] == [
        "mix: shares of 10 requests in access.log",
        "values: links (1)",
        "popularity of values: as in access.log",
    ]


def _arrivals(*counts: int) -> tuple[float, ...]:
    """As many arrivals in each second, a whole number of minutes."""
    return tuple(float(second) for second, count in enumerate(counts) for _ in range(count))


def test_bursts_are_an_assumption() -> None:
    bursty = Knowledge(starts_s=_arrivals(*(100, *[0] * 4) * 24))
    (burst,) = [text for text in assumptions([], bursty) if text.startswith("arrivals")]
    assert "80.0 times" in burst


def test_bursts_are_replayed_if_the_user_wants_that() -> None:
    log = replace(LOG, starts_s=_arrivals(*(10, 0) * 30, 1))
    known = _known(log, _config(arrivals="recorded"))
    assert known.pulse == (2.0, 0.0) * 30
    assert "arrivals: in the bursts of the busiest minute of access.log" in assumptions([], known)
    assert _known(log).pulse == ()


def test_bursts_that_nobody_has_recorded_cannot_be_replayed() -> None:
    with pytest.raises(UsageError, match="needs an access log"):
        _known(LOG, _config(arrivals="recorded"))


def test_steady_arrivals_are_none() -> None:
    steady = Knowledge(starts_s=_arrivals(*[20] * 120))
    assert not [text for text in assumptions([], steady) if text.startswith("arrivals")]
