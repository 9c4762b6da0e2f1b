"""Requests that end in errors, and sessions that do nothing: what the targets of `targets.tutorial` answer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenarios.users import PoolUser

IDLE_MS = 200
HUNG_UP_ON_MS = 150
NOBODY = 2**62
TOO_MUCH_CENTS = 10**14


def idle(user: PoolUser) -> None:
    """A session held for `IDLE_MS` that executes nothing."""
    user.client.get(f"/idle?ms={IDLE_MS}", name="idle")


def idle_after_statement(user: PoolUser) -> None:
    """The same after one short statement."""
    user.client.get(f"/idle?ms={IDLE_MS}&statement=true", name="idle_after_statement")


def raised(user: PoolUser) -> None:
    """A read, upon which the endpoint raises."""
    user.client.get(f"/trouble/raised/{user.any_user_id()}", name="raised")


def bad_statement(user: PoolUser) -> None:
    """A statement that the database refuses."""
    user.client.get("/trouble/statement", name="bad_statement")


def bad_input(user: PoolUser) -> None:
    """Input that is found invalid when a dependency has read from the database already."""
    user.client.get(f"/trouble/input/{user.any_user_id()}?amount=much", name="bad_input")


def read_nobody(user: PoolUser) -> None:
    """A user that does not exist."""
    user.client.get(f"/users/{NOBODY}", name="read_nobody")


def taken_address(user: PoolUser) -> None:
    """A new user under the address of another: a constraint refuses it."""
    body = {"name": "New User", "email": f"user{user.any_user_id()}@example.org", "balance_cents": 0}
    user.client.post("/users", json=body, name="taken_address")


def overdraw(user: PoolUser) -> None:
    """More money than there is: refused in the midst of a transaction."""
    payer = user.any_user_id()
    payee = payer - 1 or 2
    body = {"token": user.any_token(), "from_user_id": payer, "to_user_id": payee, "amount_cents": TOO_MUCH_CENTS}
    user.client.post("/transfers", json=body, name="overdraw")


def hang_up(user: PoolUser) -> None:
    """A connection held, by a client that does not wait for the end."""
    user.client.get(f"/hold?ms={HUNG_UP_ON_MS}", name="hang_up", hang_up_after_s=HUNG_UP_ON_MS / 3000)
