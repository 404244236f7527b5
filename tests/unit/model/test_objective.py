from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.errors import UsageError
from pinchpoint.model.objective import ResponseLimit, parse_objective


@pytest.mark.parametrize(
    ("text", "quantile_ratio", "limit_s"),
    [
        ("p99<500ms", 0.99, 0.5),
        ("p99.9 <= 1.5 s", 0.999, 1.5),
        ("p(95)<800us", 0.95, 0.0008),
        ("P50<2s", 0.5, 2.0),
    ],
)
def test_limits_of_response_times(text: str, quantile_ratio: float, limit_s: float) -> None:
    (limit,) = parse_objective(text).limits
    assert limit.quantile_ratio == pytest.approx(quantile_ratio)
    assert limit.limit_s == pytest.approx(limit_s)


@pytest.mark.parametrize("text", ["errors<1%", "errors < 0.01", "error_rate<=1 %"])
def test_a_limit_of_errors(text: str) -> None:
    assert parse_objective(text).most_errors_ratio == pytest.approx(0.01)


def test_limits_hold_together() -> None:
    objective = parse_objective("p50<20ms, p99<500ms, errors<1%")
    assert objective.limits == (
        ResponseLimit(quantile_ratio=0.5, limit_s=0.02),
        ResponseLimit(quantile_ratio=0.99, limit_s=0.5),
    )
    assert objective.most_errors_ratio == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no limit"),
        ("p99", "has no '<'"),
        ("p99>500ms", "has no '<'"),
        ("error<1%", "knows no 'error'; did you mean 'errors'?"),
        ("latency<1s", "knows no 'latency'"),
        ("p99<500", "needs a time above 0 with us, ms or s"),
        ("p99<0ms", "needs a time above 0"),
        ("p99<-1ms", "needs a time above 0"),
        ("p99<500msec", "needs a time above 0"),
        ("p100<1s", "is no quantile between p0 and p100"),
        ("p0<1s", "is no quantile"),
        ("errors<150%", "needs a share from 0 to 100%"),
        ("errors<few", "needs a share"),
    ],
)
def test_a_typo_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_objective(text)
    assert message in str(caught.value)


@given(st.text(alphabet="p9(.<=%,ms errors01", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        objective = parse_objective(text)
    except UsageError:
        return
    assert objective.limits or objective.most_errors_ratio <= 1
