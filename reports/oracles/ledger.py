"""The ledger: what was acknowledged is stored once, what was refused is not, and the rest is one or the other."""

from __future__ import annotations

from collections import Counter

from harness.records import Outcome
from reports.oracles.cases import BROKEN, PASSED, UNKNOWN, Case, Judgement, oracle
from reports.summary import OracleFigure

FEWEST_TRANSFERS = 20
"""That were acknowledged."""


@oracle("ledger")
def ledger(case: Case) -> Judgement:
    """Each transfer of the history, by its token."""
    history, bank = case.history, case.trial.record.bank
    if history.flaw:
        return Judgement(UNKNOWN, history.flaw)
    transfers = history.transfers
    if bank is None:
        return Judgement(UNKNOWN, "the transfers that are stored were not counted")
    stored = Counter(history.stored)
    if bank.transfers_stored != stored.total():
        return Judgement(
            UNKNOWN,
            f"{stored.total():,} of the {bank.transfers_stored:,} stored transfers are listed",
            len(transfers),
        )
    acknowledged = [write for write in transfers if write.outcome is Outcome.OK]
    turned_down = [write for write in transfers if write.outcome in (Outcome.REFUSED, Outcome.FAILED)]
    open_ended = [write for write in transfers if write.outcome in (Outcome.UNKNOWN, Outcome.ABORTED)]
    lost = sum(not stored[write.token] for write in acknowledged)
    phantoms = sum(bool(stored[write.token]) for write in turned_down)
    twice = sum(count > 1 for count in stored.values())
    faults = ((lost, "acknowledged and not stored"), (phantoms, "refused and stored"), (twice, "stored twice"))
    if broken := [f"{count:,} were {what}" for count, what in faults if count]:
        return Judgement(BROKEN, f"of {len(transfers):,} transfers {', '.join(broken)}", len(transfers))
    done = sum(bool(stored[write.token]) for write in open_ended)
    figures = (
        OracleFigure(name="unknown and stored", unit="", value=done),
        OracleFigure(name="unknown and not stored", unit="", value=len(open_ended) - done),
    )
    if len(acknowledged) < FEWEST_TRANSFERS:
        said = f"{len(acknowledged)} transfers were acknowledged, of {FEWEST_TRANSFERS} at least"
        return Judgement(UNKNOWN, said, len(transfers), figures)
    said = (
        f"all {len(acknowledged):,} acknowledged transfers are stored once, none of {len(turned_down):,} refused"
    )
    if open_ended:
        said += f", and {done:,} of {len(open_ended):,} whose answer was lost"
    return Judgement(PASSED, said, len(transfers), figures)
