"""Under a real server and load, waiting is charged to the endpoint that held the resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinchpoint.launch.guardian import guard
from probe_load import stand
from probe_truth import LOCK, LOOP, RATE_RPS, SHARE_BAR, charged

if TYPE_CHECKING:
    from probe_truth import Guilt

pytestmark = pytest.mark.e2e

DURATION_S = 2.0


@pytest.mark.parametrize(
    "guilt",
    [
        pytest.param(LOOP, id="loop"),
        pytest.param(LOCK, id="lock", marks=pytest.mark.soak),
    ],
)
def test_the_endpoint_that_holds_is_charged(guilt: Guilt) -> None:
    with guard() as guardian, stand(guardian, guilt.planted) as one:
        one.open(RATE_RPS, DURATION_S)
        found = charged(guilt, one.recording())
    assert found.resource_s > 0
    assert found.culprit_s >= SHARE_BAR * found.resource_s
