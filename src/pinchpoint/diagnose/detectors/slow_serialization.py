"""A good part of an endpoint's time turns its result into JSON.

Seen as: serializing takes a tenth or more of the endpoint's service time, and 5 ms or more per
    request even while little else runs.
Costs: CPU under the interpreter lock, in proportion to the size of the answer.
Not seen: serializers without a hook (their time is the application's own), C encoders' time
    inside of other calls.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.diagnose.alone import least_ns
from pinchpoint.model.finding import Evidence, Finding, Location
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.span import Trace

CODE = "CP002"
NAME = "slow serialization"
ADVICE = "Answer with fewer rows or fields, or encode with a faster serializer."

SHARE_RATIO = 0.1
SHORTEST_S = 0.005
"""Per request: some 100 kB of JSON. Small answers of quick endpoints have large shares too, but
a faster encoder wins a sixth of such an endpoint (measured: 1.13 to 1.19 times)."""


def detect(case: Case) -> Iterator[Finding]:
    """Find endpoints that serialize for long; one finding for each."""
    time_s = case.budget.parts_s.get(Category.SERIALIZE, 0.0)
    share_ratio = case.share_ratio(time_s)
    if share_ratio >= SHARE_RATIO and _least_s(case) >= SHORTEST_S:
        site = _main_site(case.traces)
        charged = case.charged(site=site) if site else ()
        yield Finding(
            code=CODE,
            title="Serialization takes a good part of the time",
            endpoint=case.endpoint,
            share_ratio=share_ratio,
            mix_share_ratio=case.mix_share_ratio(time_s, charged),
            location=Location.parse(site),
            evidence=(
                Evidence(statement="serializing, per request", value=time_s, unit="s"),
                Evidence(statement="of it while little else runs", value=_least_s(case), unit="s"),
            ),
            victims=case.victims(charged),
            advice=ADVICE,
            parameters={"site": site},
        )


def _least_s(case: Case) -> float:
    return least_ns(case.recording, case.endpoint, _serializing_ns) / 1e9


def _serializing_ns(trace: Trace) -> int:
    spans = (span for span in trace.spans if span.category is Category.SERIALIZE)
    return sum(span.end_ns - span.start_ns for span in spans)


def _main_site(traces: Sequence[Trace]) -> str:
    times_s: dict[str, float] = defaultdict(float)
    for trace in traces:
        for span in trace.spans:
            if span.category is Category.SERIALIZE:
                times_s[span.site] += span.duration_s
    return max(times_s, key=lambda site: times_s[site], default="")
