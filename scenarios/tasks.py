"""What users ask of the bank: Locust's tasks, one request each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scenarios.http_client import Response
from scenarios.naming import operation_of

if TYPE_CHECKING:
    from scenarios.users import Follower, PoolUser, Visitor

SEEDED_USERS = 1000
"""Users that the seed data holds, with ids from 1."""

PAGE_COLUMNS = "id,name,balance_cents"
HOLD_MS = 500
LONG_HOLD_MS = 35_000
CROWDED_ACCOUNTS = 8
MOST_MISSES = 20
"""So often a follower looks for a transfer of its own that is not there, before it gives it up."""


def read_user(user: PoolUser) -> None:
    """One user by primary key: the shortest request that needs a connection."""
    user.client.get(f"/users/{user.any_user_id()}", name="read_user")


def list_users(user: PoolUser) -> None:
    """A page of twenty users, three columns each."""
    page = user.rng.randint(1, SEEDED_USERS // 20)
    user.client.get(f"/users?page={page}&page_size=20&columns={PAGE_COLUMNS}", name="list_users")


def create_user(user: PoolUser) -> None:
    """A new user with no money, under an address of its own."""
    email = f"{user.any_token()}@example.test"
    body = {"name": "New User", "email": email, "balance_cents": 0}
    user.client.post("/users", json=body, name="create_user", token=email)


def transfer(user: PoolUser, accounts: int = SEEDED_USERS) -> None:
    """A little money from one user to another, both among the first `accounts`, under a token of its own."""
    _transfer(user, accounts)


def _transfer(user: PoolUser, accounts: int) -> tuple[str, Response]:
    payer, payee = user.rng.sample(range(1, accounts + 1), 2)
    token = user.any_token()
    body = {
        "token": token,
        "from_user_id": payer,
        "to_user_id": payee,
        "amount_cents": user.rng.randint(1, 100),
    }
    return token, user.client.post("/transfers", json=body, name="transfer", token=token)


def transfer_among_few(user: PoolUser) -> None:
    """The same on so few accounts that transfers meet."""
    transfer(user, CROWDED_ACCOUNTS)


class Followed(NamedTuple):
    """A transfer that was acknowledged and has not been seen again, and how often it was looked for."""

    token: str
    misses: int = 0


def follow(user: Follower) -> None:
    """A transfer; once that is acknowledged, a read of it, again and again until it is there: one request a call.

    Whoever runs a request takes the transfer along, so that arrivals which share a user do not mix theirs up.
    """
    if not user.waiting:
        token, response = _transfer(user, SEEDED_USERS)
        if response.status_code in (200, 201):
            user.waiting.append(Followed(token))
        return
    followed = user.waiting.popleft()
    answer = user.client.get(
        f"/transfers/{followed.token}", name="read_transfer", looks_for=followed.token, seen=_is_there
    )
    misses = followed.misses + (_is_there(answer) is not True)
    if misses > followed.misses and misses < MOST_MISSES:
        user.waiting.append(Followed(followed.token, misses))


def _is_there(answer: Response) -> bool | None:
    """Whether what was looked for is in the answer; a failure of another kind does not tell."""
    return {200: True, 404: False}.get(answer.status_code)


def visit(user: Visitor) -> None:
    """One of an app's own paths."""
    path = user.rng.choice(user.paths)
    user.client.get(path, name=operation_of(path))


def hold(user: PoolUser) -> None:
    """One connection held for `HOLD_MS`: what a slow query or a chatty handler does."""
    user.client.get(f"/hold?ms={HOLD_MS}", name="hold")


def hold_long(user: PoolUser) -> None:
    """One held for longer than the pool's usual timeout of 30 s."""
    user.client.get(f"/hold?ms={LONG_HOLD_MS}", name="hold_long")
