"""CPU time per request: ours against wrk's and Locust's, in pairs on one nginx."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from load_generators import engine, nginx, run_locust, run_wrk
from pinchpoint.model.workload import (
    Capture,
    CaptureSource,
    Journey,
    JourneyStep,
    RequestTemplate,
    Workload,
)
from rows import at_least, geometric_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from load_generators import Engine
    from load_rows import Effort, Tools
    from rows import Row

IN_FLIGHT = 16
PLAIN_BAR = 0.90
JOURNEYS_BAR = 0.60
LOCUST_BAR = 20.0
LOCUST_BLOCK_S = 4.0
"""Locust needs a second until all of its users are there."""
ENDPOINTS = 20
PATHS = 50
"""Of each endpoint, as if each had a number in its path."""


def plain(tools: Tools, effort: Effort) -> Iterator[Row]:
    """The same GET again and again, on kept connections."""
    with nginx(tools.find_nginx()) as server, engine(server.url) as ours:
        yield _against_wrk("plain GET", PLAIN_BAR, ours, server.url, tools, effort)


def journeys(tools: Tools, effort: Effort) -> Iterator[Row]:
    """Virtual clients with cookies that go through 20 endpoints of 50 paths, against wrk's GET."""
    with nginx(tools.find_nginx()) as server, engine(server.url, _journeys()) as ours:
        yield _against_wrk("journeys", JOURNEYS_BAR, ours, server.url, tools, effort)


def _against_wrk(  # noqa: PLR0913, PLR0917  # one row's name and bar, and what is compared
    name: str, bar: float, ours: Engine, url: str, tools: Tools, effort: Effort
) -> Row:
    ratios = _paired(
        effort.pairs,
        lambda: _wrk_s(tools, url, effort),
        lambda: ours.cpu_per_request_s(IN_FLIGHT, effort.block_s),
    )
    name = f"efficiency over wrk's, {name}"
    return at_least(name, geometric_mean(ratios), n=effort.pairs, bar=bar)


def locust(tools: Tools, effort: Effort) -> Iterator[Row]:
    """The plain GET against Locust's FastHttpUser."""
    python = tools.find_locust()
    pairs = max(3, effort.pairs // 2)
    with nginx(tools.find_nginx()) as server, engine(server.url) as ours:
        yield at_least(
            "efficiency over Locust's, plain GET",
            geometric_mean(
                _paired(
                    pairs,
                    lambda: (
                        run_locust(python, server.url, IN_FLIGHT, LOCUST_BLOCK_S).cpu_per_request_s
                    ),
                    lambda: ours.cpu_per_request_s(IN_FLIGHT, effort.block_s),
                )
            ),
            n=pairs,
            bar=LOCUST_BAR,
        )


def _wrk_s(tools: Tools, url: str, effort: Effort) -> float:
    return run_wrk(tools.find_wrk(), url, IN_FLIGHT, effort.block_s).cpu_per_request_s


def _paired(pairs: int, theirs_s: Callable[[], float], ours_s: Callable[[], float]) -> list[float]:
    """How much more CPU time theirs takes, pair by pair; chance says which is first."""
    dice = random.Random(1)  # noqa: S311  # an order, not a secret
    ratios = []
    for _ in range(pairs):
        if dice.random() < 0.5:
            theirs, ours = theirs_s(), ours_s()
        else:
            ours, theirs = ours_s(), theirs_s()
        ratios.append(theirs / ours)
    return ratios


def _journeys() -> Workload:
    """A login that sets a cookie and hands out a token, then the other endpoints."""
    login = RequestTemplate(endpoint="GET /login", paths=("/login",), weight=0)
    others = tuple(
        RequestTemplate(
            endpoint=f"GET /endpoint-{number}/{{id}}",
            paths=tuple(f"/endpoint-{number}/{one}?token={{{{token}}}}" for one in range(PATHS)),
            headers=(("X-Token", "{{token}}"),),
            weight=0,
        )
        for number in range(1, ENDPOINTS)
    )
    token = Capture(name="token", source=CaptureSource.COOKIE, expression="session")
    steps = (
        JourneyStep(template=0, captures=(token,)),
        *(JourneyStep(template=number) for number in range(1, ENDPOINTS)),
    )
    return Workload(templates=(login, *others), journeys=(Journey(name="all", steps=steps),))
