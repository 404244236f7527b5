"""Whether the probe is right: closed books, the interpreter's part, who is to blame, call sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pinchpoint import attribute
from pinchpoint.launch.guardian import guard
from pinchpoint.model.span import Category
from probe_load import Planted, database, stand
from probe_sites import INTERFACES, cases_of
from rows import at_least, at_most, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.model.budget import Budget
    from pinchpoint.model.recording import Recording
    from rows import Row

SERVERS = (
    Planted(name="gunicorn sync", server="gunicorn", threads=1, paths=("/mixed",)),
    Planted(name="gunicorn gthread", server="gunicorn", threads=4, paths=("/mixed",)),
    Planted(name="uvicorn", server="uvicorn", paths=("/mixed",)),
    Planted(name="hypercorn", server="hypercorn", paths=("/mixed",)),
)
LOADS = (0.1, 0.5, 0.9, 1.1)
"""Shares of the capacity."""
MEAN_BAR, SLOWEST_BAR = 0.02, 0.05
STEP_S = {False: 10.0, True: 4.0}
"""By whether it is to be quick."""
CROWD = 8
SHARE_BAR = 0.90
SITES_BAR = 0.95
RATE_RPS = 20.0
"""Of two endpoints together: half of them hold for 50 ms, which is half of the time."""


class Guilt(NamedTuple):
    """One endpoint holds, the other waits."""

    planted: Planted
    resource: str

    @property
    def culprit(self) -> str:
        """The endpoint that holds."""
        return f"GET {self.planted.paths[0]}"

    @property
    def victim(self) -> str:
        """The endpoint that waits."""
        return f"GET {self.planted.paths[1]}"


def _guilt(resource: str, server: str, holds: str, wants: str, threads: int) -> Guilt:
    planted = Planted(name=resource, server=server, threads=threads, paths=(holds, wants))
    return Guilt(planted, resource)


WORKER = _guilt("workers", "gunicorn", "/hold_worker", "/hello", 1)
LOCK = _guilt("lock", "gunicorn", "/hold_lock", "/want_lock", CROWD)
POOL = _guilt("pool", "gunicorn", "/hold_pool", "/want_pool", CROWD)
LOOP = _guilt("event loop", "uvicorn", "/hold_loop", "/hello", 0)
INTERPRETER = _guilt("interpreter", "gunicorn", "/hold_interpreter", "/want_interpreter", CROWD)
CASES = (WORKER, LOCK, POOL, LOOP, INTERPRETER)


def closure(is_quick: bool) -> Iterator[Row]:  # noqa: FBT001  # the benchmark's only knob
    """The share of the response time that no part explains, by server and load."""
    for planted in SERVERS:
        with guard() as guardian, stand(guardian, planted) as one:
            capacity_rps = one.capacity_rps(STEP_S[is_quick])
            for load in LOADS:
                one.open(load * capacity_rps, STEP_S[is_quick])
                yield from _closure_rows(f"{planted.name} at {load:.0%}", one.recording())


def _closure_rows(name: str, recording: Recording) -> Iterator[Row]:
    whole, slowest = attribute.attribute(recording)[0], attribute.attribute_slowest(recording)[0]
    for text, budget, bar in (("mean", whole, MEAN_BAR), ("slowest 1 %", slowest, SLOWEST_BAR)):
        ratio = abs(budget.share_ratio(Category.UNATTRIBUTED))
        note = f"{budget.response_time_s * 1e3:.1f} ms: {_parts(budget)}"
        yield at_most(
            f"unexplained, {name}, {text}",
            spread([ratio], ratio),
            n=budget.requests,
            bar=bar,
            note=note,
        )


def _parts(budget: Budget) -> str:
    """The three largest parts, and the one after the application's answer."""
    ranked = sorted(budget.parts_s.items(), key=lambda part: -part[1])[:3]
    shown = dict(ranked) | {Category.RESPONSE: budget.parts_s.get(Category.RESPONSE, 0.0)}
    return ", ".join(f"{name} {time_s * 1e3:.1f}" for name, time_s in shown.items())


def interpreter(is_quick: bool) -> Iterator[Row]:  # noqa: FBT001  # as above
    """How much of an inflated statement's time is not called slow SQL: eight busy threads."""
    planted = Planted(name="", server="gunicorn", threads=CROWD, paths=("/between",))
    with database() as (guardian, url), stand(guardian, planted, url) as one:
        one.open(5, STEP_S[is_quick], "walk")
        one.crowd(CROWD, STEP_S[is_quick])
        recording = one.recording()
    budget = attribute.attribute(recording)[0]
    waiting_s = budget.parts_s.get(Category.RUNNABLE, 0.0)
    span_s = waiting_s + budget.parts_s.get(Category.SQL, 0.0)
    database_s = recording.steps[-1].database_active_s / budget.requests
    note = f"{span_s * 1e3:.2f} ms; the database worked for {database_s * 1e3:.3f} ms of it"
    yield at_least(
        "a statement's time that is waiting for the interpreter, eight threads",
        spread([waiting_s / span_s], waiting_s / span_s),
        n=budget.requests,
        bar=SHARE_BAR,
        note=note,
    )


def blame(is_quick: bool) -> Iterator[Row]:  # noqa: FBT001  # as above
    """The culprit's share of what its victim is charged for, by what is waited for."""
    with database() as (guardian, url):
        for guilt in CASES:
            with stand(guardian, guilt.planted, url) as one:
                one.open(RATE_RPS / 10, STEP_S[is_quick], "walk")
                one.open(RATE_RPS, STEP_S[is_quick])
                yield _blame_row(guilt, one.recording())


def _blame_row(guilt: Guilt, recording: Recording) -> Row:
    found = charged(guilt, recording)
    victim = next(one for one in attribute.attribute(recording) if one.endpoint == guilt.victim)
    response_s = victim.requests * victim.response_time_s
    share = found.culprit_s / found.resource_s if found.resource_s else 0.0
    return at_least(
        f"blame, {guilt.resource}: the culprit's share of the waiting",
        spread([share], share),
        n=victim.requests,
        bar=SHARE_BAR,
        note=f"{found.resource_s:.2f} s at it, {found.all_s:.2f} s in all, "
        f"of {response_s:.2f} s of response time",
    )


class Charged(NamedTuple):
    """Waiting of the victim: for the culprit, for the planted resource, in all."""

    culprit_s: float
    resource_s: float
    all_s: float


def charged(guilt: Guilt, recording: Recording) -> Charged:
    """What the blame matrix says of one case."""
    every = [one for one in attribute.blame(recording) if one.victim == guilt.victim]
    there = [one for one in every if one.resource.startswith(guilt.resource)]
    culprit = [one for one in there if one.holder == guilt.culprit]
    return Charged(*(sum(one.wait_s for one in group) for group in (culprit, there, every)))


def sites(is_quick: bool) -> Iterator[Row]:  # noqa: ARG001, FBT001  # nothing to shorten
    """How many cases of the corpus name exactly the lines that cause their statements."""
    cases = [case for app in INTERFACES for case in cases_of(app)]
    right = sum(case.is_right for case in cases)
    missed = ", ".join(case.name for case in cases if not case.is_right)
    share = right / len(cases)
    yield at_least(
        "call sites that are right",
        spread([share], share),
        n=len(cases),
        bar=SITES_BAR,
        note=f"missed: {missed}",
    )
