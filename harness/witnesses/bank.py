"""The money, counted past the proxy before the load and after it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg2

from harness.environment.address import UNHURRIED
from harness.errors import TrialFailedError
from harness.load.messages import LoadAccount
from harness.records import Bank, TrialRecord
from harness.scene import Witness
from harness.subject import Capability

_BANK = """
    SELECT (SELECT coalesce(sum(balance_cents), 0) FROM users),
           (SELECT count(*) FROM users WHERE balance_cents < 0),
           (SELECT count(*) FROM transfers)
"""


@dataclass(frozen=True, slots=True)
class BankCount:
    """The money at one moment, in cents."""

    total_cents: int
    negative_balances: int
    transfers: int


class BankWitness(Witness):
    """Whether money was made or lost, and whether every transfer that was acknowledged is there."""

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

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"bank": self._bank})

    def _count(self) -> BankCount:
        try:
            connection = psycopg2.connect(self.scene.database.url, connect_timeout=5, options=UNHURRIED)
            connection.autocommit = True
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_BANK)
                    total, negative, transfers = cursor.fetchone() or (0, 0, 0)
            finally:
                connection.close()
        except psycopg2.Error as error:
            raise TrialFailedError(f"the money could not be counted: {type(error).__name__}") from error
        self.scene.own.transactions += 1
        return BankCount(int(total), negative, transfers)
