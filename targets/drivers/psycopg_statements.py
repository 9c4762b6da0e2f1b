"""The bank's statements as psycopg takes them."""

from __future__ import annotations

from collections.abc import Sequence

from targets.contract import UserColumn

_USER = "id, name, email, balance_cents, bio"
_TRANSFER = "token, from_user_id, to_user_id, amount_cents, created_at"

READ_USER = f"SELECT {_USER} FROM users WHERE id = %s"
CREATE_USER = f"INSERT INTO users (name, email, balance_cents) VALUES (%s, %s, %s) RETURNING {_USER}"

# Sorted before they are locked, so that two opposite transfers cannot wait for each other. The key is left alone,
# so that a check of the foreign key need not wait.
LOCK_ACCOUNTS = "SELECT id, balance_cents FROM users WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
RECORD_TRANSFER = (
    "INSERT INTO transfers (token, from_user_id, to_user_id, amount_cents) VALUES (%s, %s, %s, %s)"
    f" ON CONFLICT (token) DO NOTHING RETURNING {_TRANSFER}"
)
READ_TRANSFER = f"SELECT {_TRANSFER} FROM transfers WHERE token = %s"
MOVE_MONEY = (
    "UPDATE users SET balance_cents = balance_cents"
    " + CASE WHEN id = %(sender)s THEN -%(cents)s::bigint ELSE %(cents)s::bigint END"
    " WHERE id IN (%(sender)s, %(receiver)s)"
)
HOLD = "SELECT pg_sleep(%s)"


def page_of_users(columns: Sequence[UserColumn]) -> str:
    """Just these columns, whose names the contract has checked; LIMIT and OFFSET are its arguments."""
    return f"SELECT {', '.join(columns)} FROM users ORDER BY id LIMIT %s OFFSET %s"
