"""The money: its sum is the same at every reading, and nobody is below zero."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import BankReading
from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, oracle

FEWEST_TRANSFERS = 20
"""That were stored; with fewer, a sum that holds shows nothing."""


@oracle("bank")
def bank(case: Case) -> Judgement:
    """Before the load, after it, and at each reading between."""
    found = case.trial.record.bank
    if found is None:
        return Judgement(UNKNOWN, "the money was not counted")
    sums = [
        *((f"at {r.t_ns / 1e9:.1f} s", r.total_cents, r.negative_balances) for r in _during(case)),
        ("after the load", found.total_after_cents, found.negative_balances),
    ]
    count = len(sums) + 1
    for when, total_cents, negative in sums:
        if change := total_cents - found.total_before_cents:
            return Judgement(BROKEN, f"{when} the sum was off by {change:+,} cents", count)
        if negative:
            return Judgement(BROKEN, f"{when} {negative} balances were negative", count)
    if found.transfers_stored < FEWEST_TRANSFERS:
        return Judgement(
            UNKNOWN, f"{found.transfers_stored} transfers were made, of {FEWEST_TRANSFERS} at least", count
        )
    said = f"the sum held at {count} readings over {found.transfers_stored:,} transfers"
    return Judgement(PASSED, said, count)


def _during(case: Case) -> Sequence[BankReading]:
    return case.trial.readings_of(BankReading)
