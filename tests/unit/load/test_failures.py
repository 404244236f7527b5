from __future__ import annotations

from pinchpoint.load.failures import describe_errors
from pinchpoint.model.sample import Sample


def sample(status: int, error: str = "") -> Sample:
    return Sample(1, "GET /", 0, 1, 2, 3, status, 100, error)


def test_the_commonest_status_is_named_with_its_share_and_meaning() -> None:
    samples = [sample(200)] * 6 + [sample(500)] * 1 + [sample(429)] * 93
    assert describe_errors(samples) == (
        "429 Too Many Requests in 93 % of the answers: a rate limiter; switch it off for the run"
    ).replace("93 %", "93%")


def test_requests_without_an_answer_are_named_by_what_went_wrong() -> None:
    assert describe_errors([sample(0, "timeout")]).startswith("timeout in 100% of the answers")


def test_a_status_that_nobody_knows() -> None:
    assert describe_errors([sample(599)]) == "599 in 100% of the answers"


def test_nothing_failed() -> None:
    assert not describe_errors([sample(200), sample(304)])
    assert not describe_errors([])
