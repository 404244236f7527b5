"""What the engine's process is told is what the tool meant."""

from __future__ import annotations

import json

import pytest

from pinchpoint.load.configuration import (
    Configuration,
    check_workload,
    decode,
    decode_arrivals,
    encode_arrivals,
)
from pinchpoint.model.workload import (
    ArrivalProcess,
    Arrivals,
    Capture,
    CaptureSource,
    Journey,
    JourneyStep,
    RequestTemplate,
    Workload,
)

TEMPLATE = RequestTemplate(
    endpoint="POST /a/{id}",
    paths=("/a/1", "/a/2"),
    headers=(("X-A", "b"),),
    weight=0.5,
    path_weights=(3, 1),
    bodies=("x", "y"),
)
CAPTURE = Capture(name="id", source=CaptureSource.JSON, expression="/id")
STEPS = (JourneyStep(template=0, think_time_s=0.5, captures=(CAPTURE,)), JourneyStep(template=0))
WORKLOAD = Workload(templates=(TEMPLATE,), journeys=(Journey(name="j", steps=STEPS),), seed=7)


def test_a_configuration_survives_the_way() -> None:
    sent = Configuration(
        workload=WORKLOAD,
        base_url="https://user@shop.test:8443/",
        address=("::1", 8443, 0, 0),
        timeout_s=3,
        most_connections=10,
        verifies_tls=False,
        is_spinning=True,
        index=1,
        count=3,
    )
    received = decode(json.loads(json.dumps(sent.encode())))
    assert received == sent
    assert received.authority == "shop.test:8443"


@pytest.mark.parametrize(
    "arrivals",
    [
        Arrivals(rate_rps=5, duration_s=2, seed=9),
        Arrivals(rate_rps=5, duration_s=2, process=ArrivalProcess.CONSTANT),
        Arrivals.recorded([0.5, 1], duration_s=2),
        Arrivals.following(((0, 1), (2, 5)), seed=3),
    ],
)
def test_arrivals_survive_the_way(arrivals: Arrivals) -> None:
    assert decode_arrivals(json.loads(json.dumps(encode_arrivals(arrivals)))) == arrivals


@pytest.mark.parametrize("given", [{"bodies": ("x",)}, {"path_weights": (1, 2, 3)}])
def test_each_path_has_its_body_and_its_weight(given: dict[str, tuple[object, ...]]) -> None:
    template = RequestTemplate(endpoint="POST /a", paths=("/a", "/b"), **given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="for 2 paths"):
        check_workload(Workload(templates=(template,)))
