"""`python -m targets.failures.tables`: the tables that the apps of this folder use."""

from __future__ import annotations

import os

import psycopg2

TABLES = """
    DROP TABLE IF EXISTS orders, items, accounts, entries;
    CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL, price_cents integer NOT NULL);
    INSERT INTO items SELECT n, 'item ' || n, 100 + n FROM generate_series(1, 1000) AS n;
    CREATE TABLE accounts (id integer PRIMARY KEY, balance_cents bigint NOT NULL);
    INSERT INTO accounts SELECT n, 100000 FROM generate_series(1, 8) AS n;
    CREATE TABLE entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        token text UNIQUE,
        amount_cents bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE orders (
        token text PRIMARY KEY,
        item_id integer NOT NULL REFERENCES items DEFERRABLE INITIALLY DEFERRED
    );
"""


def main() -> None:
    """Make them anew."""
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
    connection.close()


if __name__ == "__main__":
    main()
