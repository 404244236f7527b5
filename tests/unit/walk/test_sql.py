from __future__ import annotations

import pytest

from pinchpoint.walk import sql


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT product.id, product.name FROM product WHERE product.id = %(pk_1)s",
        'SELECT "product"."id" FROM "product" WHERE "product"."id" = %s LIMIT 21',
        "SELECT id FROM product WHERE id = $1",
        "SELECT id FROM product WHERE id = ?",
        "SELECT id FROM product WHERE id = %(pk_1)s::INTEGER",
        "SELECT p.id FROM product p WHERE p.id = :id",
    ],
)
def test_finds_what_a_lookup_compares(statement: str) -> None:
    assert next(sql.lookups([statement])) == ("product", "id")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "BEGIN",
        "SELECT * FROM product",
        "not sql at all ((",
        "UPDATE product SET name = ? WHERE id = ?",
        "SELECT * FROM a JOIN b ON a.id = b.a_id",
    ],
)
def test_is_silent_on_what_is_no_lookup(statement: str) -> None:
    assert not list(sql.lookups([statement]))


def test_names_the_columns_of_one_table_only() -> None:
    tree = sql.parse(
        "SELECT * FROM loan l JOIN book b ON b.id = l.book_id WHERE l.member = ? AND b.isbn = ?",
        "sqlite",
    )
    assert tree is not None
    assert sql.compared_columns(tree, "l") == ("member",)
    assert sql.tables(tree) == {"l": "loan", "b": "book"}


@pytest.mark.parametrize(
    ("table", "column", "parameter"),
    [
        ("users", "id", "user_id"),
        ("shop.category", "id", "category_id"),
        ("blog_post", "slug", "slug"),
        ("boxes", "id", "box_id"),
        ("page", "slug", "page_slug"),
        ("anything", "id", "pk"),
    ],
)
def test_a_parameter_is_the_key_that_its_name_says(table: str, column: str, parameter: str) -> None:
    assert sql.is_key_of(table, column, parameter)


@pytest.mark.parametrize(
    ("table", "column", "parameter"),
    [
        ("project", "id", "bill_id"),
        ("superusers", "id", "user_id"),
        ("django_session", "session_key", "pk"),
        ("users", "name", "user_id"),
        ("site", "hostname", "_0"),
    ],
)
def test_a_parameter_is_no_other_key(table: str, column: str, parameter: str) -> None:
    assert not sql.is_key_of(table, column, parameter)
