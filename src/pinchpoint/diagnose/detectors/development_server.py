"""The application runs under a development server, or in its framework's debug mode.

Seen as: the probe was called by Werkzeug's server (`flask run`) or by the standard library's
    (Django's `runserver`), or the framework says that it is in debug mode.
Costs: unknown until the application runs as in production. These servers start a thread for each
    connection and parse in Python; Django's debug mode keeps every statement that it executes.
Not seen: a production server in front of an application that is slow for other reasons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinchpoint.model.finding import Evidence, Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinchpoint.diagnose.case import Case
    from pinchpoint.model.recording import ProbeState

CODE = "SV002"
NAME = "development server"
ADVICE = "Measure it as it runs in production: under a production server, with debug mode off."


def detect(case: Case) -> Iterator[Finding]:
    """Find that the figures are not those of a production; reported once."""
    evidence = tuple(_evidence(case.recording.probe))
    busiest = next(endpoint for endpoint in case.budgets if endpoint != case.mix.endpoint)
    if evidence and case.endpoint == busiest:
        yield Finding(
            code=CODE,
            title="The application does not run as in production",
            endpoint=case.endpoint,
            status=Status.SUSPECTED,
            share_ratio=0.0,
            evidence=evidence,
            advice=ADVICE,
        )


def _evidence(probe: ProbeState) -> Iterator[Evidence]:
    if probe.development_server:
        yield Evidence(statement=f"its server is {probe.development_server}'s, for development")
    if probe.is_debug:
        yield Evidence(statement="its framework is in debug mode")
