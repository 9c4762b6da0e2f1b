"""Does the tutorial's transfer keep the money's sum, where transfers meet and where their connections are cut?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Bank, Outcome
from reports.claims.base import Figure, RulingVerdict
from reports.claims.evidence import Evidence, Measured, MissingEvidenceError
from reports.claims.rules import Found, rules_on
from reports.claims.trials import between, count_of, figure_over, requests_of
from reports.read import Trial

EXPERIMENT, SCENARIO, CUT = "transfers", "tellers", "cut-transfers"
TUTORIAL, LOCKING = "orm-transfer", "sync-pool"
FEWEST_TRANSFERS = 400
"""In a trial; with fewer, that nothing was lost shows nothing."""
FEWEST_CUT = 5
"""Transfers in a trial that lost their connection; with fewer, that none was stored by half shows nothing."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """Transfers that never meet, while connections were cut: what moved then is half a transfer."""

    cut: int
    moved_cents: int
    lost: int


@rules_on("transfer-atomic")
def transfer_atomic(evidence: Evidence) -> Found:
    """Refuted where the sum moved in some trial of enough transfers, and in none where rows are locked."""
    measured = evidence.of(EXPERIMENT)
    tutorial, locking = _banks(measured, TUTORIAL), _banks(measured, LOCKING)
    halves = {target: _cut(measured, target) for target in (TUTORIAL, LOCKING)}
    moved, kept_by_locks = [_drift(bank) for bank in tutorial], [_drift(bank) for bank in locking]
    figures = (
        figure_over("money made or lost by the tutorial's transfer", moved, "cents"),
        figure_over("transfers by it", [bank.transfers_stored for bank in tutorial]),
        figure_over("money made or lost where rows are locked", kept_by_locks, "cents"),
        figure_over("transfers there", [bank.transfers_stored for bank in locking]),
        *_cut_figures(halves[TUTORIAL], "the tutorial's transfer, on accounts of their own"),
        *_cut_figures(halves[LOCKING], "rows locked, on accounts of their own"),
    )
    whole = _wholeness(halves[TUTORIAL])
    if any(kept_by_locks) or _broken(halves[LOCKING]):
        said = "Money was made or lost where rows are locked, too, so that nothing can be laid to the ORM."
        return Found(RulingVerdict.INCONCLUSIVE, said, figures=figures)
    if not any(moved):
        said = f"The sum held in {len(moved)} trials of eight tellers on eight accounts. {whole}"
        verdict = RulingVerdict.REFUTED if _broken(halves[TUTORIAL]) else RulingVerdict.SUPPORTED
        return Found(verdict, said, figures=figures)
    by = f", by {between([abs(cents) for cents in moved])} cents" if all(moved) else ""
    return Found(
        RulingVerdict.REFUTED,
        f"The sum moved in {sum(map(bool, moved))} of {len(moved)} trials{by}; with the rows locked it never did. "
        f"{whole}",
        condition="Eight tellers at once on eight accounts, READ COMMITTED.",
        figures=figures,
    )


def _banks(measured: Measured, target: str) -> list[Bank]:
    banks = [_bank(trial) for trial in measured.require_trials(SCENARIO, target)]
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


def _cut(measured: Measured, target: str) -> list[_Cut]:
    return [_cut_in(trial, target) for trial in measured.require_trials(CUT, target)]


def _cut_in(trial: Trial, target: str) -> _Cut:
    bank = _bank(trial)
    cut = count_of(
        requests_of(trial),
        lambda ended: (
            ended.operation == "transfer"
            and ended.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
            and ended.kind == "database-unavailable"
        ),
    )
    if cut < FEWEST_CUT:
        raise MissingEvidenceError(
            f"only {cut} transfers by {target} lost their connection, of {FEWEST_CUT} at least"
        )
    lost = max(0, bank.transfers_acknowledged - bank.transfers_stored)
    return _Cut(cut=cut, moved_cents=_drift(bank), lost=lost)


def _broken(cuts: Sequence[_Cut]) -> bool:
    return any(one.moved_cents or one.lost for one in cuts)


def _wholeness(cuts: Sequence[_Cut]) -> str:
    counted = between([one.cut for one in cuts])
    if _broken(cuts):
        moved = sum(bool(one.moved_cents or one.lost) for one in cuts)
        return f"Transfers that were cut were stored by half, or lost, in {moved} of {len(cuts)} trials."
    return f"Rolling back works: of {counted} transfers whose connection was cut none was stored by half."


def _cut_figures(cuts: Sequence[_Cut], where: str) -> tuple[Figure, ...]:
    return (
        figure_over("transfers whose connection was cut", [one.cut for one in cuts], where=where),
        figure_over("money moved by half transfers", [one.moved_cents for one in cuts], "cents", where=where),
        figure_over("transfers acknowledged and not stored", [one.lost for one in cuts], where=where),
    )
