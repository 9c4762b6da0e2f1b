"""The bank's statements as asyncpg takes them."""

from __future__ import annotations

from collections.abc import Sequence

from targets.contract import UserColumn

_USER = "id, name, email, balance_cents, bio"
_TRANSFER = "token, from_user_id, to_user_id, amount_cents, created_at"

READ_USER = f"SELECT {_USER} FROM users WHERE id = $1"
CREATE_USER = f"INSERT INTO users (name, email, balance_cents) VALUES ($1, $2, $3) RETURNING {_USER}"

# Sorted before they are locked, so that two opposite transfers cannot wait for each other. The key is left alone,
# so that a check of the foreign key need not wait.
LOCK_ACCOUNTS = "SELECT id, balance_cents FROM users WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
RECORD_TRANSFER = (
    "INSERT INTO transfers (token, from_user_id, to_user_id, amount_cents) VALUES ($1, $2, $3, $4)"
    f" ON CONFLICT (token) DO NOTHING RETURNING {_TRANSFER}"
)
READ_TRANSFER = f"SELECT {_TRANSFER} FROM transfers WHERE token = $1"
MOVE_MONEY = (
    "UPDATE users SET balance_cents = balance_cents + CASE WHEN id = $1 THEN -$3::bigint ELSE $3::bigint END"
    " WHERE id IN ($1, $2)"
)
HOLD = "SELECT pg_sleep($1)"


def page_of_users(columns: Sequence[UserColumn]) -> str:
    """Just these columns, whose names the contract has checked; LIMIT and OFFSET are its arguments."""
    return f"SELECT {', '.join(columns)} FROM users ORDER BY id LIMIT $1 OFFSET $2"
