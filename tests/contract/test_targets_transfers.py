"""Money under concurrency, on every target with its default settings."""

from __future__ import annotations

import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from targets.schema import SEED_BALANCE_CENTS, SEED_USERS
from tests.contract.contract_support import RunningTarget, query

pytestmark = pytest.mark.integration

THREADS = 8
TRANSFERS_EACH = 20
ACCOUNTS = (101, 102, 103, 104)


def test_concurrent_duplicates_move_the_money_once(bank: RunningTarget) -> None:
    wanted = {"token": str(uuid.uuid4()), "from_user_id": 201, "to_user_id": 202, "amount_cents": 70}
    together = threading.Barrier(THREADS)

    def send(_: int) -> tuple[int, str]:
        together.wait(10)
        response = bank.client.post("/transfers", json=wanted)
        return response.status_code, response.text

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(send, range(THREADS)))
    assert sorted(status for status, _ in answers) == [200] * (THREADS - 1) + [201]
    assert len({text for _, text in answers}) == 1
    assert (bank.balance(201), bank.balance(202)) == (SEED_BALANCE_CENTS - 70, SEED_BALANCE_CENTS + 70)


def test_concurrent_duplicates_of_other_content_move_one_of_them(bank: RunningTarget) -> None:
    token = str(uuid.uuid4())
    together = threading.Barrier(THREADS)

    def send(number: int) -> int:
        together.wait(10)
        sender = 211 + number  # no row lock in common: only the token is
        wanted = {"token": token, "from_user_id": sender, "to_user_id": 220, "amount_cents": 10}
        return bank.client.post("/transfers", json=wanted).status_code

    with ThreadPoolExecutor(THREADS) as threads:
        statuses = sorted(threads.map(send, range(THREADS)))
    assert statuses == [201] + [409] * (THREADS - 1)
    assert bank.balance(220) == SEED_BALANCE_CENTS + 10


def test_concurrent_transfers_on_few_accounts_keep_the_sum_and_all_succeed(bank: RunningTarget) -> None:
    def send_many(seed: int) -> list[int]:
        choice = random.Random(seed)
        statuses = []
        for _ in range(TRANSFERS_EACH):
            sender, receiver = choice.sample(ACCOUNTS, 2)
            wanted = {
                "token": str(uuid.uuid4()),
                "from_user_id": sender,
                "to_user_id": receiver,
                "amount_cents": 1,
            }
            statuses.append(bank.client.post("/transfers", json=wanted).status_code)
        return statuses

    stored_before = query(bank.database_url, "SELECT count(*) FROM transfers")[0][0]
    total_before = bank.total_cents()
    with ThreadPoolExecutor(THREADS) as threads:
        statuses = [status for some in threads.map(send_many, range(THREADS)) for status in some]
    assert statuses == [201] * (THREADS * TRANSFERS_EACH)
    assert bank.total_cents() == total_before
    stored = query(bank.database_url, "SELECT count(*) FROM transfers")[0][0] - stored_before
    assert stored == THREADS * TRANSFERS_EACH


def test_balances_agree_with_the_ledger(bank: RunningTarget) -> None:
    wrong = query(
        bank.database_url,
        """
        SELECT id FROM users WHERE id <= %s AND balance_cents <> %s
            - coalesce((SELECT sum(amount_cents) FROM transfers WHERE from_user_id = users.id), 0)
            + coalesce((SELECT sum(amount_cents) FROM transfers WHERE to_user_id = users.id), 0)
        """,
        SEED_USERS,
        SEED_BALANCE_CENTS,
    )
    assert wrong == []


def test_an_account_cannot_be_overdrawn_by_concurrent_transfers(bank: RunningTarget) -> None:
    def send(_: int) -> int:
        wanted = {"token": str(uuid.uuid4()), "from_user_id": 301, "to_user_id": 302}
        return bank.client.post("/transfers", json={**wanted, "amount_cents": 30_000}).status_code

    with ThreadPoolExecutor(THREADS) as threads:
        statuses = sorted(threads.map(send, range(THREADS)))
    assert statuses == [201] * 3 + [409] * 5
    assert bank.balance(301) == SEED_BALANCE_CENTS - 90_000


def test_nothing_is_left_checked_out(bank: RunningTarget) -> None:
    assert bank.settles()["checked_out"] == 0


def test_sums_beyond_32_bits_are_moved(bank: RunningTarget) -> None:
    rich = {"name": "Rich", "email": f"{uuid.uuid4()}@example.org", "balance_cents": 10**15}
    sender = bank.client.post("/users", json=rich).json()["id"]
    wanted = {"token": str(uuid.uuid4()), "from_user_id": sender, "to_user_id": 401, "amount_cents": 10**14}
    assert bank.client.post("/transfers", json=wanted).status_code == 201
    assert (bank.balance(sender), bank.balance(401)) == (9 * 10**14, SEED_BALANCE_CENTS + 10**14)
