"""A password is hashed to answer an ordinary request, such as to check who asks.

Seen as: deriving keys (PBKDF2, scrypt, bcrypt, Argon2) in the median request of a GET or HEAD
    endpoint, for a tenth or more of its service time, and 5 ms or more even while little else
    runs.
Costs: tens to hundreds of milliseconds of CPU, by design: it is meant to be paid once, when
    somebody logs in.
Not seen: endpoints of other methods, where it belongs to logging in and to new passwords; plain
    digests and signatures, which take microseconds.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from pinchpoint.diagnose.alone import least_ns
from pinchpoint.model.finding import Evidence, Finding, Location
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.span import Span, Trace

CODE = "CP003"
NAME = "password hashing in ordinary requests"
ADVICE = (
    "Check the password once and hand out a session or a signed token; checking that takes"
    " microseconds."
)

METHODS = ("GET ", "HEAD ")
SHARE_RATIO = 0.1
SHORTEST_S = 0.005
"""Per request: below, the parameters are not those of a password (OWASP's minimum for bcrypt,
a cost of 10, takes some 50 ms)."""


def detect(case: Case) -> Iterator[Finding]:
    """Find endpoints that only read and still hash a password in each request."""
    spans = [span for trace in case.traces for span in _hashes(trace)]
    repeats = median(sum(1 for _ in _hashes(trace)) for trace in case.traces)
    time_s = sum(span.duration_s for span in spans) / len(case.traces)
    if (
        case.endpoint.startswith(METHODS)
        and repeats >= 1
        and case.share_ratio(time_s) >= SHARE_RATIO
        and least_ns(case.recording, case.endpoint, _hashing_ns) / 1e9 >= SHORTEST_S
    ):
        yield _finding(case, max(spans, key=lambda span: span.duration_s), repeats, time_s)


def _hashes(trace: Trace) -> Iterator[Span]:
    return (span for span in trace.spans if span.category is Category.HASH)


def _hashing_ns(trace: Trace) -> int:
    return sum(span.end_ns - span.start_ns for span in _hashes(trace))


def _finding(case: Case, longest: Span, repeats: float, time_s: float) -> Finding:
    charged = case.charged(site=longest.site) if longest.site else ()
    return Finding(
        code=CODE,
        title="A password is hashed in each request",
        endpoint=case.endpoint,
        share_ratio=case.share_ratio(time_s),
        mix_share_ratio=case.mix_share_ratio(time_s, charged),
        location=Location.parse(longest.site),
        evidence=(
            Evidence(statement=f"calls of {longest.name}", value=repeats, unit="per request"),
            Evidence(statement="hashing, per request", value=time_s, unit="s"),
        ),
        victims=case.victims(charged),
        advice=ADVICE,
        parameters={"site": longest.site, "call": longest.name},
    )
