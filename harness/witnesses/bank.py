"""The money, counted past the proxy before the load and after it, and the transfers that are there then."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg2

from harness.environment.address import OWN_SESSION, UNHURRIED
from harness.errors import TrialFailedError
from harness.load.messages import LoadAccount
from harness.records import Bank, Stored, TrialRecord
from harness.scene import Setup, Witness
from harness.subject import Capability
from scenarios.model import WRITING

MOST_STORED = 100_000
"""Tokens that are written down: as many as a history may hold."""

_BANK = """
    SELECT (SELECT coalesce(sum(balance_cents), 0) FROM users),
           (SELECT count(*) FROM users WHERE balance_cents < 0),
           (SELECT count(*) FROM transfers)
"""


_TOKENS = "SELECT token::text FROM transfers LIMIT %s"


def needs_history(setup: Setup) -> bool:
    """Whether single writes matter: where there is money, and someone moves it."""
    behaviours = {phase.behaviour for phase in setup.scenario.phases}
    return setup.subject.can(Capability.MONEY) and bool(behaviours & WRITING)


@dataclass(frozen=True, slots=True)
class BankCount:
    """The money at one moment, in cents."""

    total_cents: int
    negative_balances: int
    transfers: int
    tokens: tuple[str, ...]  # none where no history is kept


class BankWitness(Witness):
    """The sum of the money, and the tokens of the transfers that the load has left in the database."""

    needs = Capability.MONEY
    _before: BankCount
    _bank: Bank

    def before(self) -> None:
        self._before = self._count()

    def after(self, account: LoadAccount) -> None:
        now = self._count()
        self._bank = Bank(
            total_before_cents=self._before.total_cents,
            total_after_cents=now.total_cents,
            transfers_stored=now.transfers - self._before.transfers,
            transfers_acknowledged=account.acknowledged_transfers,
            negative_balances=now.negative_balances,
        )
        known = set(self._before.tokens)  # those of whoever tried the target out before the load
        for token in now.tokens:
            if token not in known:
                self.scene.journal.found(Stored(token=token))

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"bank": self._bank})

    def _count(self) -> BankCount:
        try:
            tokens: tuple[str, ...] = ()
            since_s = time.monotonic()
            connection = psycopg2.connect(
                self.scene.database.url,
                connect_timeout=5,
                options=UNHURRIED,
                application_name=OWN_SESSION,
            )
            connection.autocommit = True
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_BANK)
                    total, negative, transfers = cursor.fetchone() or (0, 0, 0)
                    self.scene.own.count()
                    if needs_history(self.scene.setup):
                        cursor.execute(_TOKENS, (MOST_STORED,))
                        tokens = tuple(token for (token,) in cursor)
                        self.scene.own.count()
            finally:
                connection.close()
                self.scene.own.session_ended(since_s)
        except psycopg2.Error as error:
            raise TrialFailedError(f"the money could not be counted: {type(error).__name__}") from error
        return BankCount(int(total), negative, transfers, tokens)
