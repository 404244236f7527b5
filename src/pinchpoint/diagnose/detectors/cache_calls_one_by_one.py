"""A cache is asked for one value after the other, with a round trip for each.

Seen as: one command at one line of the user's code, five times or more in the median request,
    for a tenth or more of the endpoint's service time, and a millisecond or more per request
    even while little else runs.
Costs: a round trip for each value. One command for all of them, or a pipeline, needs one.
Not seen: commands of several values and pipelines, which are batches already; a command that
    stands on several lines; caches in the process's own memory.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING

from pinchpoint.diagnose.alone import least_ns
from pinchpoint.model.finding import Evidence, Finding, Location
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.span import Span, Trace

CODE = "CA001"
NAME = "cache calls one by one"
ADVICE = "Ask for all values at once: get_many or MGET, or a pipeline for mixed commands."

REPEATS = 5
"""In a request: below, it saves less than the change costs."""
SHARE_RATIO = 0.1
SHORTEST_S = 0.001
"""Per request: some ten round trips on one machine."""
BATCHES = ("PIPELINE", "MGET", "MSET", "HMGET", "GET_MANY", "SET_MANY", "DELETE_MANY", "GET_DICT")
"""How the names of commands end that take several values."""


def detect(case: Case) -> Iterator[Finding]:
    """Find lines that repeat a command; one finding for each."""
    times_s: dict[tuple[str, str], float] = defaultdict(float)
    counts: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for trace in case.traces:
        for span in _single_calls(trace):
            times_s[span.site, span.name] += span.duration_s / len(case.traces)
            counts[span.site, span.name][trace.trace_id] += 1
    for (site, name), time_s in times_s.items():
        repeats = median(counts[site, name][trace.trace_id] for trace in case.traces)
        saved_s = time_s * (1 - 1 / max(repeats, 1))  # one round trip remains
        if repeats >= REPEATS and _is_worth_it(case, site, name, saved_s):
            yield _finding(case, site, name, repeats, saved_s)


def _single_calls(trace: Trace) -> Iterator[Span]:
    for span in trace.spans:
        if span.category is Category.CACHE and not span.name.upper().endswith(BATCHES):
            yield span


def _is_worth_it(case: Case, site: str, name: str, saved_s: float) -> bool:
    def calls_ns(trace: Trace) -> int:
        own = (span for span in _single_calls(trace) if (span.site, span.name) == (site, name))
        return sum(span.end_ns - span.start_ns for span in own)

    alone_s = least_ns(case.recording, case.endpoint, calls_ns) / 1e9
    return case.share_ratio(saved_s) >= SHARE_RATIO and alone_s >= SHORTEST_S


def _finding(case: Case, site: str, name: str, repeats: float, saved_s: float) -> Finding:
    charged = case.charged(site=site) if site else ()
    return Finding(
        code=CODE,
        title=f"One cache call after the other: {repeats:.0f} x {name}",
        endpoint=case.endpoint,
        share_ratio=case.share_ratio(saved_s),
        mix_share_ratio=case.mix_share_ratio(saved_s, charged),
        location=Location.parse(site),
        evidence=(
            Evidence(statement=f"{repeats:.0f} times: {name}", value=repeats, unit="per request"),
            Evidence(statement="in all but one of them per request", value=saved_s, unit="s"),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters={"site": site, "call": name},
    )
