from __future__ import annotations

import tomllib
from typing import Any

import pytest

from pinchpoint.errors import UsageError
from pinchpoint.walk.sources import config


def _table(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def test_reads_weights_in_their_order() -> None:
    found = config.read_traffic(_table('weights = { "GET /books" = 5, "*" = 0 }'))
    assert found.weights == (("GET /books", 5.0), ("*", 0.0))


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("[1, 2]", ("1", "2")),
        ('["tea", "cup"]', ("tea", "cup")),
        ('"tea"', ("tea",)),
        ("{ range = [3, 5] }", ("3", "4", "5")),
    ],
)
def test_reads_values(given: str, values: tuple[str, ...]) -> None:
    assert config.read_traffic(_table(f"values = {{ x = {given} }}")).values == {"x": values}


def test_a_long_range_is_spread() -> None:
    values = config.read_traffic(_table("values = { x = { range = [1, 1_000_000] } }")).values["x"]
    assert len(values) == config.MOST_VALUES
    assert (values[0], values[1]) == ("1", "1001")


@pytest.mark.parametrize(("text", "exponent"), [("uniform", 0.0), ("zipf", 1.0), ("zipf:1.1", 1.1)])
def test_reads_popularity(text: str, exponent: float) -> None:
    assert config.read_traffic({"popularity": text}).zipf_exponent == exponent


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('arrivals = "constant"', "arrivals: 'constant' is neither"),
        ("weight = {}", "no setting 'weight'"),
        ("weights = 3", "weights: a table is expected"),
        ('weights = { "/x" = -1 }', "'/x' must be a number from 0 up, not -1"),
        ('weights = { "/x" = nan }', "must be a number"),
        ('weights = { "/x" = true }', "must be a number"),
        ('popularity = "zipff"', "popularity: 'zipff'"),
        ('popularity = "zipf:0"', "popularity: 'zipf:0'"),
        ('popularity = "uniform:2"', "popularity: 'uniform:2'"),
        ("values = { x = [] }", "values: 'x': a list of numbers or texts"),
        ("values = { x = { range = [5, 1] } }", "the lower first"),
        ("values = { x = { rnge = [1, 5] } }", "a table must be { range"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        config.read_traffic(_table(text))
