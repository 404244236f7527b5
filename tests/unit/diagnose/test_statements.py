"""Statements that differ in their values only are one statement."""

from __future__ import annotations

import pytest

from pinchpoint.diagnose.statements import normalize, shortened, subject


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM t WHERE b = 1 AND c = 'x''y'",
        "SELECT a FROM t WHERE b = %s AND c = %s",
        "SELECT a FROM t WHERE b = %(b_1)s AND c = %(c_1)s",
        "SELECT a FROM t WHERE b = $1 AND c = $2",
        "SELECT a FROM t WHERE b = :b AND c = :c",
        "SELECT a FROM t WHERE b = ? AND c = ?",
        "SELECT a\n  FROM t\n WHERE b = %s::INTEGER AND c = $2::text ",
    ],
)
def test_values_and_placeholders_of_all_drivers_are_alike(statement: str) -> None:
    assert normalize(statement) == "SELECT a FROM t WHERE b = ? AND c = ?"


def test_in_lists_of_any_length_are_alike() -> None:
    assert normalize("SELECT 1 WHERE a IN (1,2, 3)") == normalize("SELECT 1 WHERE a IN (%s)")


def test_numbers_in_names_stay() -> None:
    assert normalize("SELECT a1 FROM t2") == "SELECT a1 FROM t2"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('SELECT "a" FROM "orders" WHERE id = 1', "SELECT orders"),
        ("insert into shop.orders values (1)", "INSERT shop.orders"),
        ("UPDATE orders SET a = 1", "UPDATE orders"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_subject_is_verb_and_table(statement: str, words: str) -> None:
    assert subject(statement) == words


def test_long_statements_are_cut_for_the_reader() -> None:
    assert shortened("SELECT  " + "x" * 200, width=10) == "SELECT xx…"
