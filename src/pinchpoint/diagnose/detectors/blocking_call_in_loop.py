"""A blocking call in a coroutine stops the event loop, and with it all other requests.

Seen as: a synchronous call (to a service, to a database, or sleep) in a thread that runs an
    event loop, for 5 ms or more per request, or from 1 ms on for a tenth of the service time.
Costs: everybody else's time: each request of the process waits until the call is over.
Not seen: the same call in a thread of a pool, as in a plain `def` endpoint; long computing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinchpoint.diagnose.case import total_time_s, wait_s
from pinchpoint.model.finding import Evidence, Finding, Location, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.span import Span, Trace

CODE = "AS001"
NAME = "blocking call in the event loop"
ADVICE = (
    "Await an asynchronous client instead, hand the call to a thread (asyncio.to_thread), or"
    " make the endpoint a plain function."
)

BLOCKED_S = 0.005
"""Per request: as long as other requests of a quick application take altogether."""
SHARE_RATIO = 0.1
SHORTEST_S = 0.001
"""Per request: below, no share of any service time is worth a change."""
WAIT_RATIO = 0.01
"""Of the mix's response time: below, nobody waits because of it at this load."""


def detect(case: Case) -> Iterator[Finding]:
    """Find lines whose calls block the loop; the worst one where only all together do."""
    spans = _blocking(case.traces)
    blocked_s = {
        site: sum(span.duration_s for span in found) / len(case.traces)
        for site, found in spans.items()
    }
    lines = [site for site, time_s in blocked_s.items() if _is_long(case, time_s)]
    if not lines and _is_long(case, sum(blocked_s.values())):
        lines = [max(blocked_s, key=lambda site: blocked_s[site])]
    for site in lines:
        yield _finding(case, site, spans[site], blocked_s)


def _is_long(case: Case, blocked_s: float) -> bool:
    is_large_share = case.share_ratio(blocked_s) >= SHARE_RATIO
    return blocked_s >= (SHORTEST_S if is_large_share else BLOCKED_S)


def _blocking(traces: Sequence[Trace]) -> Mapping[str, Sequence[Span]]:
    """The blocking calls by line, without those inside of others."""
    found: dict[str, list[Span]] = defaultdict(list)
    for trace in traces:
        blocking = {span.span_id: span for span in trace.spans if span.is_blocking_loop}
        for span in blocking.values():
            if span.parent_id not in blocking:
                found[span.site].append(span)
    return found


def _finding(
    case: Case, site: str, spans: Sequence[Span], blocked_s: Mapping[str, float]
) -> Finding:
    charged = case.charged(site=site, resource="event loop")
    own_s = wait_s(entry for entry in charged if entry.victim == case.endpoint)
    mix_share_ratio = case.mix_share_ratio(charged=charged)
    return Finding(
        code=CODE,
        title="A blocking call stops the event loop",
        endpoint=case.endpoint,
        status=Status.PREDICTED if mix_share_ratio >= WAIT_RATIO else Status.SUSPECTED,
        share_ratio=min(1.0, own_s / total_time_s(case.budget)),
        mix_share_ratio=mix_share_ratio,
        location=Location.parse(site),
        evidence=(
            Evidence(
                statement=f"the loop stands still per request, in {spans[0].name}",
                value=blocked_s[site],
                unit="s",
            ),
            Evidence(
                statement="with all such calls of the endpoint",
                value=sum(blocked_s.values()),
                unit="s",
            ),
            Evidence(
                statement="requests that waited for the loop meanwhile, over the step",
                value=wait_s(charged),
                unit="s",
            ),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters={"site": site, "call": spans[0].name},
    )
