"""The line that caused a statement, in each way of the corpus in which one comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from probe_sites import INTERFACES, MISSED, cases_of, marks_of

if TYPE_CHECKING:
    from probe_sites import Case

RIGHT_RATIO = 0.95


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    return {app: cases_of(app) for app in INTERFACES}


@pytest.mark.parametrize("app", INTERFACES)
def test_exactly_the_marked_lines_are_named(cases: dict[str, list[Case]], app: str) -> None:
    wrong = {
        case.name: (sorted(case.marked), sorted(case.seen))
        for case in cases[app]
        if not case.is_right and case.name not in MISSED
    }
    assert wrong == {}


def test_what_cannot_be_right_is_a_small_part(cases: dict[str, list[Case]]) -> None:
    every = [case for found in cases.values() for case in found]
    assert sum(case.is_right for case in every) >= RIGHT_RATIO * len(every)


def test_every_marked_case_was_tried(cases: dict[str, list[Case]]) -> None:
    tried = {case.name for found in cases.values() for case in found}
    assert tried == {name for app in INTERFACES for name in marks_of(app)}
