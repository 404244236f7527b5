"""Virtual clients, without a network: what they ask for when, and what ends their journey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinchpoint.errors import UsageError
from pinchpoint.load.configuration import check_workload
from pinchpoint.load.journeys import NEVER_NS
from pinchpoint.load.traffic import Traffic
from pinchpoint.model.workload import (
    Capture,
    CaptureSource,
    Journey,
    JourneyStep,
    RequestTemplate,
    Workload,
)

if TYPE_CHECKING:
    from pinchpoint.load.connection import Listener

S = 1_000_000_000
LOGIN = RequestTemplate(endpoint="POST /login", paths=("/login",), bodies=("u=1",), weight=0)
ORDER = RequestTemplate(endpoint="GET /o/{id}", paths=("/o/{{id}}",), weight=0)
ID = Capture(name="id", source=CaptureSource.JSON, expression="/id")


def workload(*steps: JourneyStep, templates: tuple[RequestTemplate, ...] = (LOGIN, ORDER)):
    return Workload(templates=templates, journeys=(Journey(name="buy", steps=steps),))


TWO_STEPS = workload(
    JourneyStep(template=0, captures=(ID,)), JourneyStep(template=1, think_time_s=2)
)


def traffic(load: Workload = TWO_STEPS) -> Traffic:
    check_workload(load)
    made = Traffic(load, "127.0.0.1", 0, 1)
    made.begin_step()
    return made


def answer(  # noqa: PLR0913  # the facts of an answer
    client: Listener | None,
    text: str = '{"id": 5}',
    *,
    status: int = 200,
    error: str = "",
    cookies: tuple[bytes, ...] = (),
    at_s: int = 10,
) -> None:
    assert client is not None
    kept = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
    client.answered(status, error, cookies, kept, at_s * S)


def count(made: Traffic) -> tuple[int, int, int, dict[str, int]]:
    (one,) = made.journey_counts()
    return one.begun, one.completed, one.cut, dict(one.broken)


def test_a_client_goes_on_with_what_the_answer_gave() -> None:
    made = traffic()
    trace_id, template, intended_ns, message, client = made.arrive(3 * S)
    assert (trace_id, template, intended_ns) == (1, 0, 3 * S)
    assert message.endswith(b"\r\n\r\nu=1")
    assert client.keeps_answer
    answer(client, cookies=(b"session=abc; Path=/",))
    assert made.crowd.due_ns == 12 * S  # the answer's end and two seconds to think
    trace_id, template, intended_ns, message, same = made.resume(12 * S)
    assert (trace_id, template, intended_ns, same) == (2, 1, 12 * S, client)
    assert message.startswith(b"GET /o/5 HTTP/1.1\r\n")
    assert b"\r\nCookie: session=abc\r\n" in message
    assert not client.keeps_answer
    answer(client)
    assert count(made) == (1, 1, 0, {})
    assert made.crowd.due_ns == NEVER_NS
    assert not made.crowd.is_active


def test_clients_share_no_cookies() -> None:
    made = traffic()
    *_, first = made.arrive(0)
    answer(first, cookies=(b"session=abc; Path=/",))
    *_, message, _ = made.arrive(0)
    assert b"Cookie" not in message


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"status": 500}, "request 1: status 500"),
        ({"status": 0, "error": "timeout"}, "request 1: timeout"),
        ({"text": "{}"}, "request 1: no value for 'id'"),
        ({"text": "no json"}, "request 1: no value for 'id'"),
    ],
)
def test_an_answer_that_cannot_be_gone_on_with_ends_the_journey(how: Any, reason: str) -> None:
    made = traffic()
    *_, client = made.arrive(0)
    answer(client, **how)
    assert count(made) == (1, 0, 0, {reason: 1})
    assert made.crowd.due_ns == NEVER_NS
    assert not made.crowd.is_active


def test_a_value_that_does_not_fit_the_next_request_ends_the_journey() -> None:
    header = RequestTemplate(
        endpoint="GET /a", paths=("/a",), headers=(("X-Id", "{{id}}"),), weight=0
    )
    made = traffic(workload(*TWO_STEPS.journeys[0].steps, templates=(LOGIN, header)))
    *_, client = made.arrive(0)
    answer(client, '{"id": "a\\nb"}')
    assert count(made) == (1, 0, 0, {"request 2: a header cannot hold a line break": 1})


def test_the_end_of_the_step_cuts_those_who_think_and_those_who_are_answered_later() -> None:
    made = traffic()
    *_, thinking = made.arrive(0)
    *_, waiting = made.arrive(0)
    answer(thinking)
    assert made.crowd.is_active
    made.crowd.end()
    answer(waiting)
    assert count(made) == (2, 0, 2, {})
    assert not made.crowd.is_active


def test_clients_go_on_in_the_order_of_their_times() -> None:
    made = traffic()
    clients = [made.arrive(0)[-1] for _ in range(3)]
    for client, at_s in zip(clients, (30, 10, 20), strict=True):
        answer(client, at_s=at_s)
    resumed = [made.resume(made.crowd.due_ns) for _ in range(3)]
    assert [request[2] // S for request in resumed] == [12, 22, 32]
    assert [request[-1] for request in resumed] == [clients[1], clients[2], clients[0]]


def test_journeys_get_their_share_of_the_arrivals() -> None:
    plain = RequestTemplate(endpoint="GET /", paths=("/",), weight=3)
    mixed = Workload(
        templates=(plain, LOGIN), journeys=(Journey(name="j", steps=(JourneyStep(template=1),)),)
    )
    made = traffic(mixed)
    templates = [made.arrive(0)[1] for _ in range(400)]
    assert (templates.count(0), templates.count(1)) == (300, 100)


def test_processes_share_one_mix_and_all_trace_ids() -> None:
    paths = tuple(f"/{number}" for number in range(50))
    load = Workload(templates=(RequestTemplate(endpoint="GET /", paths=paths),))
    whole = traffic(load)
    together = [whole.arrive(0)[:4] for _ in range(90)]
    shares = [Traffic(load, "127.0.0.1", index, 3) for index in range(3)]
    for share in shares:
        share.begin_step()
    apart = [share.arrive(0)[:4] for _ in range(30) for share in shares]
    assert apart == together


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (Workload(templates=(RequestTemplate(endpoint="GET /a", paths=("/{{id}}",)),)), "outside"),
        (workload(JourneyStep(template=1)), r"request 1 .* needs \{\{id\}\}"),
        (
            workload(
                JourneyStep(
                    template=0,
                    captures=(Capture(name="id", source=CaptureSource.TEXT, expression="("),),
                )
            ),
            "pattern that cannot be",
        ),
        (
            workload(
                JourneyStep(
                    template=0,
                    captures=(Capture(name="id", source=CaptureSource.TEXT, expression="id"),),
                )
            ),
            "0 groups",
        ),
    ],
)
def test_what_cannot_work_is_said_before_the_run(load: Workload, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_workload(load)


def test_the_same_arrival_takes_the_same_way_in_each_run() -> None:
    paths = tuple(f"/{number}" for number in range(100))
    template = RequestTemplate(endpoint="GET /", paths=paths, weight=0)
    load = workload(JourneyStep(template=0), templates=(template,))

    def ways() -> list[bytes]:
        made = traffic(load)
        return [made.arrive(0)[3] for _ in range(50)]

    assert ways() == ways()
    assert len(set(ways())) > 1
