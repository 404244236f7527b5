"""LK001 stands at the endpoint that holds a lock during a call, and keeps still for computing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from building import SITE, Operation, holding, mix, outbound, request, sql
from pinchpoint.attribute import attribute, blame
from pinchpoint.diagnose import diagnose
from pinchpoint.model.finding import Location, Victim
from pinchpoint.model.span import Category

if TYPE_CHECKING:
    from building import Request
    from pinchpoint.model.finding import Finding
    from pinchpoint.model.recording import Recording

LOCK = "lock of rates.py:3"
QUOTE, CART = "GET /quote", "GET /cart"


def waiting(ms: float, *inside: Operation, resource: str = LOCK) -> Operation:
    return Operation(category=Category.LOCK, name=resource, ms=ms, site=SITE, inside=inside)


def found(seen: Recording) -> tuple[Finding, ...]:
    findings = diagnose(seen, attribute(seen), blame(seen))
    return tuple(one for one in findings if one.code == "LK001")


def both(*held: Operation, app_ms: float = 1, resource: str = LOCK) -> tuple[Request, Request]:
    """One request holds the lock for 50 ms; the other waits for 40 of them."""
    holder = request(QUOTE, holding(*held, resource=resource), app_ms=1)
    waiter = request(CART, waiting(40, resource=resource), at_ms=10, app_ms=app_ms)
    return holder, waiter


def test_the_holder_is_named_with_the_call_and_its_victims() -> None:
    (finding,) = found(mix(*both(outbound(50))))
    assert finding.endpoint == QUOTE
    assert finding.location == Location(file="shop/views.py", line=12, function="list_orders")
    assert finding.victims == (Victim(endpoint=CART, wait_s=pytest.approx(0.04)),)
    assert finding.mix_share_ratio == pytest.approx(40 / 92)
    assert finding.evidence[0].value == pytest.approx(1)


@pytest.mark.parametrize(("call_ms", "is_found"), [(25, True), (24, False)])
def test_computing_under_a_lock_is_no_finding(call_ms: float, *, is_found: bool) -> None:
    computing = Operation(ms=50 - call_ms)
    assert bool(found(mix(*both(sql(ms=call_ms), computing)))) is is_found


@pytest.mark.parametrize(("app_ms", "is_found"), [(359, True), (361, False)])
def test_waiting_for_less_than_a_tenth_is_no_finding(app_ms: float, *, is_found: bool) -> None:
    assert bool(found(mix(*both(outbound(50), app_ms=app_ms)))) is is_found


def test_a_lock_that_nobody_waits_for_is_fine() -> None:
    assert not found(mix(request(QUOTE, holding(outbound(50), resource=LOCK))))


def test_who_holds_a_semaphore_is_not_known() -> None:
    assert not found(mix(*both(outbound(50), resource="semaphore of rates.py:3")))
