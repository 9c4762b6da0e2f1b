"""Whether the money adds up and every connection came home. Evidence that says nothing decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Bank, PoolReading
from reports.read import Trial
from reports.summary import CheckVerdict

Judgement = tuple[CheckVerdict, str]
"""A verdict and its evidence in words."""


def worst(judgements: Sequence[Judgement]) -> Judgement:
    """Broken over undecided over passed; the first of the worst speaks. None at all is undecided."""
    if not judgements:
        return CheckVerdict.UNDECIDED, "no completed trial"
    order = (CheckVerdict.BROKEN, CheckVerdict.UNDECIDED, CheckVerdict.PASSED)
    return min(judgements, key=lambda judgement: order.index(judgement[0]))


def money_is_conserved(trials: Sequence[Trial]) -> Judgement:
    """The bank of every trial: the sum unchanged, nobody below zero, no acknowledged transfer lost."""
    judgements = [_judge_bank(trial.record.bank, trial.record.spec.id) for trial in trials]
    verdict, evidence = worst(judgements)
    if judgements and verdict is CheckVerdict.PASSED:
        stored = sum(trial.record.bank.transfers_stored for trial in trials if trial.record.bank)
        evidence = f"the sum is unchanged after {stored:,} transfers in {_trials(len(trials))}"
    return verdict, evidence


def _judge_bank(bank: Bank | None, trial_id: str) -> Judgement:
    if bank is None:
        return CheckVerdict.UNDECIDED, f"{trial_id}: the bank was not read"
    change_cents = bank.total_after_cents - bank.total_before_cents
    if change_cents:
        return CheckVerdict.BROKEN, f"{trial_id}: the sum changed by {change_cents:+,} cents"
    if bank.negative_balances:
        return CheckVerdict.BROKEN, f"{trial_id}: {bank.negative_balances} balances are negative"
    if bank.transfers_acknowledged > bank.transfers_stored:
        lost = bank.transfers_acknowledged - bank.transfers_stored
        return CheckVerdict.BROKEN, f"{trial_id}: {lost} acknowledged transfers are not in the database"
    if not bank.transfers_stored:
        return CheckVerdict.UNDECIDED, f"{trial_id}: no transfer was made"
    return CheckVerdict.PASSED, ""


def no_leaked_connections(trials: Sequence[Trial]) -> Judgement:
    """Nothing is checked out after the drain, in a pool that had been used."""
    judgements = [_judge_pool(trial.record.pool_at_end, trial.record.spec.id) for trial in trials]
    verdict, evidence = worst(judgements)
    if judgements and verdict is CheckVerdict.PASSED:
        evidence = f"0 connections out after the drain in {_trials(len(trials))}"
    return verdict, evidence


def _judge_pool(pool: PoolReading | None, trial_id: str) -> Judgement:
    if pool is None:
        return CheckVerdict.UNDECIDED, f"{trial_id}: the pool was not read after the drain"
    if pool.checked_out:
        return CheckVerdict.BROKEN, f"{trial_id}: {pool.checked_out} connections still out after the drain"
    if not pool.checked_out_max:
        return CheckVerdict.UNDECIDED, f"{trial_id}: no connection was ever taken"
    return CheckVerdict.PASSED, ""


def sessions_at_base(trials: Sequence[Trial]) -> Judgement:
    """PostgreSQL has no session at work or inside a transaction after the load that was not so before it."""
    judgements = [_judge_sessions(trial) for trial in trials]
    verdict, evidence = worst(judgements)
    if judgements and verdict is CheckVerdict.PASSED:
        kept = max(found.total for trial in trials if (found := trial.record.sessions_at_end))
        evidence = f"after the drain no session is at work; at most {kept} stay open, in {_trials(len(trials))}"
    return verdict, evidence


def _judge_sessions(trial: Trial) -> Judgement:
    before, after = trial.record.sessions_before, trial.record.sessions_at_end
    where = trial.record.spec.id
    if before is None or after is None:
        return CheckVerdict.UNDECIDED, f"{where}: PostgreSQL's sessions were not counted before and after the load"
    for count, base, how in (
        (after.idle_in_transaction, before.idle_in_transaction, "idle inside a transaction"),
        (after.active, before.active, "at work"),
    ):
        if count > base:
            return (
                CheckVerdict.BROKEN,
                f"{where}: {count} sessions are {how} after the drain, {base} before the load",
            )
    return CheckVerdict.PASSED, ""


def answers_unchanged(trials: Sequence[Trial]) -> Judgement:
    """Each path that is only read answers after the load as it did before."""
    judgements = [_judge_answers(trial) for trial in trials]
    verdict, evidence = worst(judgements)
    if judgements and verdict is CheckVerdict.PASSED:
        compared = [one for trial in trials for one in trial.record.answers]
        told = sum(one.same_body is not None for one in compared)
        evidence = f"{len(compared)} answers have the same status as before the load, {told} the same content"
    return verdict, evidence


def _judge_answers(trial: Trial) -> Judgement:
    where, answers = trial.record.spec.id, trial.record.answers
    for one in answers:
        if one.error:
            return CheckVerdict.BROKEN, f"{where}: {one.path} gave no answer after the load ({one.error})"
        if one.status_after != one.status_before:
            told = f"{one.path} answered {one.status_after} after the load, {one.status_before} before"
            return CheckVerdict.BROKEN, f"{where}: {told}"
        if one.same_body is False:
            return CheckVerdict.BROKEN, f"{where}: {one.path} has other content after the load than before"
    if not any(200 <= one.status_before < 300 for one in answers):
        return CheckVerdict.UNDECIDED, f"{where}: no path was asked that answered with a success"
    return CheckVerdict.PASSED, ""


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"
