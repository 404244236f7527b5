"""The shop's tables, filled by the database itself: the same rows each time, within seconds."""

from __future__ import annotations

import psycopg

ROWS = {"customers": 20_000, "products": 5_000, "orders": 400_000}
"""Twenty orders for each customer; reading all of them hurts, and a clone takes a second."""

STATEMENTS = (
    "CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, city text NOT NULL)",
    """
    CREATE TABLE products (
        id serial PRIMARY KEY, name text NOT NULL, price_cents integer NOT NULL
    )
    """,
    """
    CREATE TABLE orders (
        id serial PRIMARY KEY,
        customer_id integer NOT NULL,
        product_id integer NOT NULL,
        quantity integer NOT NULL,
        placed_on date NOT NULL,
        address text NOT NULL
    )
    """,
    """
    INSERT INTO customers (name, city)
    SELECT 'Customer ' || i, (ARRAY['Bern', 'Lyon', 'Oslo', 'Riga'])[1 + mod(i, 4)]
    FROM generate_series(1, %(customers)s::integer) AS i
    """,
    """
    INSERT INTO products (name, price_cents)
    SELECT 'Product ' || i, 100 + mod(i * 7919, 20000)
    FROM generate_series(1, %(products)s::integer) AS i
    """,
    """
    INSERT INTO orders (customer_id, product_id, quantity, placed_on, address)
    SELECT
        1 + mod(i * 7919, %(customers)s::bigint),
        1 + mod(i * 104729, %(products)s::bigint),
        1 + mod(i, 5),
        date '2024-01-01' + mod(i, 700)::integer,
        'Number ' || mod(i, 300) || ', Long Street, Building ' || mod(i, 40)
    FROM generate_series(1, %(orders)s::bigint) AS i
    """,
    # The rows are checked once, together, which takes a tenth of checking each.
    "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers",
    "ALTER TABLE orders ADD FOREIGN KEY (product_id) REFERENCES products",
    "VACUUM ANALYZE",
)


def fill(connection_url: str) -> None:
    """Create and fill the tables in an empty database.

    Args:
        connection_url: `postgresql://...` of a user that may create tables.

    Raises:
        psycopg.Error: The database cannot be reached or has such tables already.
    """
    with psycopg.connect(connection_url, autocommit=True) as connection:
        for statement in STATEMENTS:
            connection.execute(statement, ROWS)
