"""Books that a user keeps: money moved between two accounts of its own, read back, and known to the cent."""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING

from scenarios.http_client import Response
from scenarios.troubles import TOO_MUCH_CENTS

if TYPE_CHECKING:
    from scenarios.users import PoolUser

WRONG_USER = "wrong-user"
WRONG_BALANCE = "wrong-balance"
UNREADABLE_USER = "unreadable-user"
MOST_CENTS = 100
"""In one transfer."""


class Book:
    """Two accounts that nobody else changes, and the balance of each as far as it is known."""

    def __init__(self, number: int) -> None:
        self.accounts = (2 * number + 1, 2 * number + 2)
        self.balances: dict[int, int] = {}

    def moved(self, payer: int, payee: int, cents: int) -> None:
        """A transfer was acknowledged."""
        for account, change in ((payer, -cents), (payee, cents)):
            if account in self.balances:
                self.balances[account] += change


class Bookkeeping:
    """What one user does, request upon request: transfers, now and then of more than there is, and reads.

    The first read of an account tells its balance; after that every right answer is known. An outcome that is not
    known, or a wrong answer, closes the book, and it goes on with two other accounts of the seeded ones.
    """

    def __init__(self, seeded_users: int) -> None:
        self._seeded_users = seeded_users
        self._book: Book | None = None
        self._steps = cycle(
            (
                *(self._read_first, self._read_second, self._move, self._read_first),
                *(self._read_anyone, self._move, self._read_second, self._overdraw),
            )
        )

    def next_step(self, user: PoolUser) -> None:
        """Send the next request. Where no accounts are left, it only reads anyone's."""
        step = next(self._steps)
        if self._book is None:
            number = next(type(user).numbers)
            self._book = Book(number) if 2 * number + 2 <= self._seeded_users else None
        if self._book is None:
            _read_anyone(user)
        else:
            step(user, self._book)

    def _read_first(self, user: PoolUser, book: Book) -> None:
        self._read_own(user, book, book.accounts[0])

    def _read_second(self, user: PoolUser, book: Book) -> None:
        self._read_own(user, book, book.accounts[1])

    def _read_own(self, user: PoolUser, book: Book, account: int) -> None:
        def judge(response: Response) -> str:
            wrong, cents = judged_user(account, book.balances.get(account), response)
            if wrong:
                self._book = None
            elif cents is not None:
                book.balances[account] = cents
            return wrong

        user.client.get(f"/users/{account}", name="read_own", judge=judge)

    def _read_anyone(self, user: PoolUser, _: Book) -> None:
        _read_anyone(user)

    def _move(self, user: PoolUser, book: Book) -> None:
        self._transfer(user, book, user.rng.randint(1, MOST_CENTS), "transfer")

    def _overdraw(self, user: PoolUser, book: Book) -> None:
        self._transfer(user, book, TOO_MUCH_CENTS, "overdraw")

    def _transfer(self, user: PoolUser, book: Book, cents: int, name: str) -> None:
        payer, payee = user.rng.sample(book.accounts, 2)
        token = user.any_token()
        body = {"token": token, "from_user_id": payer, "to_user_id": payee, "amount_cents": cents}
        response = user.client.post("/transfers", json=body, name=name, token=token)
        if 200 <= response.status_code < 300:
            book.moved(payer, payee, cents)
        elif not _says_that_nothing_was_done(response):
            self._book = None


def judged_user(asked: int, known_cents: int | None, response: Response) -> tuple[str, int | None]:
    """What is wrong with an answer to `GET /users/{asked}`, empty for nothing, and the balance that it tells."""
    try:
        document = json.loads(response.content)
        answered, cents = document["id"], document["balance_cents"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return UNREADABLE_USER, None
    if answered != asked:
        return WRONG_USER, None
    if known_cents is not None and cents != known_cents:
        return WRONG_BALANCE, cents
    return "", cents


def _read_anyone(user: PoolUser) -> None:
    asked = user.any_user_id()
    user.client.get(f"/users/{asked}", name="read_user", judge=lambda answer: judged_user(asked, None, answer)[0])


def _says_that_nothing_was_done(response: Response) -> bool:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("effect") == "none"
