"""A bookkeeper knows each right answer, and only that: tried against a bank that can be made to err."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from scenarios.bookkeeping import Bookkeeping, judged_user
from scenarios.http_client import Response

SEEDED = 1000


def answer(status: int, document: object) -> Response:
    return Response(status, {}, json.dumps(document).encode(), None, 0, 1)


class Bank:
    """Keeps the money right, but for the faults that a test asks for; counts what its client found wrong."""

    def __init__(self) -> None:
        self.balances = dict.fromkeys(range(1, SEEDED + 1), 100_000)
        self.found: Counter[str] = Counter()
        self.touched: set[int] = set()
        self.loses = self.lies = self.is_vague = False
        self.shifts_users = 0

    def get(self, path: str, *, name: str, judge: Callable[[Response], str]) -> Response:
        asked = int(path.removeprefix("/users/")) + self.shifts_users
        if name == "read_own":
            self.touched.add(asked)
        given = answer(200, {"id": asked, "balance_cents": self.balances[asked]})
        self.found[judge(given) or "right"] += 1
        return given

    def post(self, path: str, *, json: dict[str, Any], name: str, token: str) -> Response:
        assert (path, token) == ("/transfers", json["token"])
        payer, payee, cents = json["from_user_id"], json["to_user_id"], json["amount_cents"]
        self.touched |= {payer, payee}
        if self.balances[payer] < cents:
            return answer(409, {"kind": "insufficient-funds", "effect": "none"})
        if not self.loses:
            self.balances[payer] -= cents
            self.balances[payee] += cents
        if self.is_vague:
            return answer(503, {"kind": "database-unavailable", "effect": "unknown"})
        return answer(500, {"effect": "none"}) if self.lies else answer(201, {})


def user_of(bank: Bank, numbers: count[int] | None = None) -> Any:
    rng = random.Random(7)

    class User:
        numbers: count[int]

        def __init__(self) -> None:
            self.client, self.rng, self.tokens = bank, rng, count()

        def any_token(self) -> str:
            return str(next(self.tokens))

        def any_user_id(self) -> int:
            return self.rng.randint(2, SEEDED - 1)

    User.numbers = count() if numbers is None else numbers
    return User()


def kept(bank: Bank, steps: int = 400, seeded: int = SEEDED) -> Counter[str]:
    books, user = Bookkeeping(seeded), user_of(bank)
    for _ in range(steps):
        books.next_step(user)
    return bank.found


def test_a_right_bank_is_never_found_wrong() -> None:
    bank = Bank()
    assert set(kept(bank)) == {"right"}
    assert bank.touched == {1, 2}


@pytest.mark.parametrize("fault", ["loses", "lies"])
def test_a_transfer_that_is_not_as_it_was_answered_shows_in_the_next_read(fault: str) -> None:
    bank = Bank()
    setattr(bank, fault, True)
    found = kept(bank)
    assert found["wrong-balance"] > 20
    assert max(bank.touched) > 40, "accounts with a wrong balance are not judged by any more"


def test_what_is_not_known_is_not_judged() -> None:
    bank = Bank()
    bank.is_vague = True
    assert set(kept(bank)) == {"right"}
    assert max(bank.touched) > 40


def test_another_user_than_was_asked_for_is_wrong() -> None:
    bank = Bank()
    bank.shifts_users = 1
    assert set(kept(bank)) == {"wrong-user"}


def test_two_users_have_no_account_in_common() -> None:
    numbers, banks = count(), (Bank(), Bank())
    for bank in banks:
        books, user = Bookkeeping(SEEDED), user_of(bank, numbers)
        for _ in range(20):
            books.next_step(user)
    assert not banks[0].touched & banks[1].touched


def test_where_no_accounts_are_left_it_only_reads() -> None:
    bank = Bank()
    bank.is_vague = True
    kept(bank, seeded=4)
    assert max(bank.touched) == 4


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"id": 1}', b"[" * 100_000])
def test_an_answer_that_is_no_user_is_wrong(body: bytes) -> None:
    assert judged_user(1, None, Response(200, {}, body, None, 0, 1)) == ("unreadable-user", None)
