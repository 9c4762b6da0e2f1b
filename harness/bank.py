"""The money, counted past the proxy before the load and after it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg2

from harness.errors import TrialFailedError

_BANK = """
    SELECT (SELECT coalesce(sum(balance_cents), 0) FROM users),
           (SELECT count(*) FROM users WHERE balance_cents < 0),
           (SELECT count(*) FROM transfers)
"""


@dataclass(frozen=True)
class BankCount:
    """The money at one moment, in cents, read past the proxy."""

    total_cents: int
    negative_balances: int
    transfers: int


def count_bank(database_url: str) -> BankCount:
    """Count the money. Raises TrialFailedError where the database cannot be asked."""
    try:
        connection = psycopg2.connect(database_url, connect_timeout=5)
        connection.autocommit = True  # one transaction, which the count of transactions knows of
        try:
            with connection.cursor() as cursor:
                cursor.execute(_BANK)
                total, negative, transfers = cursor.fetchone() or (0, 0, 0)
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise TrialFailedError(f"the money could not be counted: {type(error).__name__}") from error
    return BankCount(int(total), negative, transfers)
