"""Figures of a development server are said to be such; those of production are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from building import mix, recording_of, request, step
from pinchpoint.attribute import attribute
from pinchpoint.diagnose import diagnose
from pinchpoint.model.finding import Status
from pinchpoint.model.recording import ProbeState

if TYPE_CHECKING:
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording

SEEN = mix(request("GET /a", app_ms=1), request("GET /b", app_ms=2))


def findings(seen: Recording, **probe: object) -> tuple[Finding, ...]:
    seen = replace(seen, probe=ProbeState(**probe))  # type: ignore[arg-type]
    return diagnose(seen, attribute(seen))


@pytest.mark.parametrize("probe", [{"development_server": "Werkzeug"}, {"is_debug": True}])
def test_development_is_reported_once_at_the_endpoint_that_takes_most_time(probe: dict) -> None:
    (finding,) = findings(SEEN, **probe)
    assert (finding.code, finding.endpoint) == ("SV002", "GET /b")


def test_nothing_is_claimed_of_its_cost() -> None:
    (finding,) = findings(SEEN, development_server="wsgiref", is_debug=True)
    assert (finding.status, finding.share_ratio) == (Status.SUSPECTED, 0)
    assert [one.statement for one in finding.evidence] == [
        "its server is wsgiref's, for development",
        "its framework is in debug mode",
    ]


def test_production_is_no_finding() -> None:
    assert findings(SEEN, hooked={"werkzeug": "3.1.3", "flask": "3.1.2"}) == ()


def test_a_walk_is_enough_to_see_it() -> None:
    walk = recording_of(step(request("GET /a", app_ms=1), purpose="walk", in_flight=1))
    assert [one.code for one in findings(walk, is_debug=True)] == ["SV002"]
