"""Does the tutorial's transfer keep the money's sum?"""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Bank
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.read import Trial

EXPERIMENT, SCENARIO = "transfers", "tellers"
TUTORIAL, LOCKING = "orm-transfer", "sync-pool"
FEWEST_TRANSFERS = 400
"""In a trial; with fewer, that nothing was lost shows nothing."""


@rules_on("transfer-atomic")
def transfer_atomic(evidence: Evidence) -> Found:
    """Refuted where the sum moved in every trial of enough transfers, and did not where rows are locked."""
    measured = evidence.of(EXPERIMENT)
    tutorial, locking = _banks(measured, TUTORIAL), _banks(measured, LOCKING)
    moved, kept_by_locks = [_drift(bank) for bank in tutorial], [_drift(bank) for bank in locking]
    figures = (
        _figure("money made or lost by the tutorial's transfer", moved, "cents"),
        _figure("transfers by it", [bank.transfers_stored for bank in tutorial], ""),
        _figure("money made or lost where rows are locked", kept_by_locks, "cents"),
        _figure("transfers there", [bank.transfers_stored for bank in locking], ""),
    )
    if any(kept_by_locks):
        said = "Money was made or lost where rows are locked, too, so that nothing can be laid to the ORM."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if all(moved):
        return Found(
            RulingVerdict.REFUTED,
            f"The sum moved in {len(moved)} of {len(moved)} trials, by "
            f"{_between([abs(cents) for cents in moved])} cents; with the rows locked it never did.",
            condition="Eight tellers at once on eight accounts, READ COMMITTED.",
            figures=figures,
        )
    if not any(moved):
        said = f"The sum held in {len(moved)} trials of eight tellers on eight accounts."
        return Found(RulingVerdict.SUPPORTED, said, figures=figures)
    said = f"The sum moved in {sum(map(bool, moved))} of {len(moved)} trials."
    return Found(RulingVerdict.REFUTED, said, "Eight tellers at once on eight accounts.", figures)


def _banks(measured: Measured, target: str) -> list[Bank]:
    measured.target(SCENARIO, target)
    banks = [_bank(trial) for trial in measured.trials(SCENARIO, target)]
    fewest = min(bank.transfers_stored for bank in banks)
    if fewest < FEWEST_TRANSFERS:
        raise MissingEvidenceError(f"only {fewest} transfers by {target}, of {FEWEST_TRANSFERS} at least")
    return banks


def _bank(trial: Trial) -> Bank:
    if trial.record.bank is None:
        raise MissingEvidenceError(f"the money was not counted in trial {trial.record.spec.id}")
    return trial.record.bank


def _drift(bank: Bank) -> int:
    return bank.total_after_cents - bank.total_before_cents


def _between(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _figure(name: str, values: Sequence[int], unit: str) -> Figure:
    mean = sum(values) / len(values)
    return Figure(
        name=name, value=mean, unit=unit, low=min(values), high=max(values), where="mean, least and most"
    )
