"""Waiting is charged in full, to those who held, and evenly."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinchpoint.attribute.sweep import Charge, Occupation, Wait, charge_ns


def test_the_only_holder_is_charged_with_all_of_it() -> None:
    charges = charge_ns([Wait(10, 50, "victim")], [Occupation(0, 60, "holder", "line")])
    assert charges == {Charge("victim", "holder", "line"): 40}


def test_holders_share_a_moment_evenly() -> None:
    held = [Occupation(0, 100, "a", ""), Occupation(50, 100, "b", "")]
    charges = charge_ns([Wait(0, 100, "victim")], held)
    assert charges == {Charge("victim", "a", ""): 75, Charge("victim", "b", ""): 25}


def test_nobody_is_charged_while_nobody_holds() -> None:
    assert charge_ns([Wait(0, 50, "victim")], [Occupation(50, 60, "later", "")]) == {}


def test_free_slots_keep_their_part() -> None:
    charges = charge_ns([Wait(0, 100, "victim")], [Occupation(0, 100, "a", "")], slots=4)
    assert charges == {Charge("victim", "a", ""): 25}


intervals = st.tuples(st.integers(0, 40), st.integers(0, 20), st.sampled_from("abc"))


@given(st.lists(intervals, max_size=8), st.lists(intervals, max_size=8), st.integers(1, 4))
def test_agrees_with_going_through_it_moment_by_moment(
    waiting: list[tuple[int, int, str]], holding: list[tuple[int, int, str]], slots: int
) -> None:
    waits = [Wait(start, start + length, name) for start, length, name in waiting]
    held = [Occupation(start, start + length, name, "") for start, length, name in holding]
    expected: dict[Charge, float] = defaultdict(float)
    for moment in range(60):
        holders = [one for one in held if one.start_ns <= moment < one.end_ns]
        for wait in waits:
            if wait.start_ns <= moment < wait.end_ns:
                for one in holders:
                    charge = Charge(wait.endpoint, one.endpoint, "")
                    expected[charge] += 1 / max(slots, len(holders))
    charges = charge_ns(waits, held, slots)
    assert charges == pytest.approx(expected)
