"""No literal of an expression leaves the process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint_probe.masking import mask_literals, mask_plan


@pytest.mark.parametrize(
    ("expression", "masked"),
    [
        ("(customer_id = 42)", "(customer_id = ?)"),
        ("(email = 'ann@example.com'::text)", "(email = ?::text)"),
        ("(name = 'O''Brien'::text)", "(name = ?::text)"),
        ("((price)::numeric > 19.99)", "((price)::numeric > ?)"),
        ("(x = '-1.5e+10'::double precision)", "(x = ?::double precision)"),
        ("(x > 1.5e+10)", "(x > ?)"),
        ("(col1 = $1)", "(col1 = $1)"),
        ('("2nd" = 2)', '("2nd" = ?)'),
        ("(\"it's\" = 'secret')", '("it\'s" = ?)'),
        ("(a = ANY ('{1,2,3}'::integer[]))", "(a = ANY (?::integer[]))"),
        ("orders.total DESC", "orders.total DESC"),
        ("(name = 'cut off", "(name = ?"),
    ],
)
def test_literals_are_masked_and_names_are_not(expression: str, masked: str) -> None:
    assert mask_literals(expression) == masked


@given(st.text().filter(lambda text: len(text) > 1))
def test_a_text_does_not_get_through(text: str) -> None:
    quoted = text.replace("'", "''")
    assert mask_literals(f"(name = '{quoted}'::text)") == "(name = ?::text)"


@given(st.one_of(st.integers(min_value=0), st.floats(min_value=0, allow_infinity=False)))
def test_a_number_does_not_get_through(number: float) -> None:
    assert mask_literals(f"(price > {number})") == "(price > ?)"


def test_a_plan_keeps_its_names_and_figures() -> None:
    node = {
        "Node Type": "Seq Scan",
        "Relation Name": "items2024",
        "Actual Rows": 3,
        "Filter": "(id > 7)",
        "Sort Key": ["lower('x')", "id"],
        "Plans": [{"Node Type": "Result", "One-Time Filter": "(1 = 2)"}],
    }
    assert mask_plan([{"Plan": node}])[0]["Plan"] == node | {
        "Filter": "(id > ?)",
        "Sort Key": ["lower(?)", "id"],
        "Plans": [{"Node Type": "Result", "One-Time Filter": "(? = ?)"}],
    }
