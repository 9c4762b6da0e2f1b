"""The ruling on one session for all requests, from synthetic runs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.records import Bank, Outcome
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rulings.shared_session import FEWEST_READS, shared_session
from scenarios.bookkeepers import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, pool_reading, target_info
from tests.unit.reports.claims.support import evidence_of


class Saw(NamedTuple):
    """What the bookkeepers of one trial saw."""

    users: int = 0
    balances: int = 0
    errors: int = 0
    lost: int = 0


RIGHT = Saw()


def trial(target: str, saw: Saw, repetition: int, reads: int = 400, transfers: int = 50) -> TrialBuilder:
    made = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    made.requests += [Request("books", 0.6, 5.0, operation="read_own") for _ in range(reads)]
    for kind, count in (
        ("wrong-user", saw.users),
        ("wrong-balance", saw.balances),
        ("internal-error", saw.errors),
        ("insufficient-funds", 9),
    ):
        made.requests += [
            Request("books", 0.8, 5.0, Outcome.FAILED, kind, operation="read_own") for _ in range(count)
        ]
    made.bank = Bank(
        total_before_cents=1000,
        total_after_cents=1000,
        transfers_stored=transfers - saw.lost,
        transfers_acknowledged=transfers,
        negative_balances=0,
    )
    made.pool_at_end = pool_reading(6.0, 1, checked_out_max=1)
    return made


def runs(shared: list[Saw], own: list[Saw]) -> dict[str, list[TrialBuilder]]:
    return {
        "shared-session": [
            trial(target, saw, repetition)
            for target, each in (("shared-session", shared), ("orm-transfer", own))
            for repetition, saw in enumerate(each, 1)
        ]
    }


@pytest.mark.parametrize(
    ("shared", "own", "verdict"),
    [
        ([Saw(balances=7), Saw(users=1), Saw(lost=2)], [RIGHT] * 3, RulingVerdict.SUPPORTED),
        ([Saw(errors=90)] * 3, [RIGHT] * 3, RulingVerdict.REFUTED),
        ([Saw(balances=7), Saw(errors=90), RIGHT], [RIGHT] * 3, RulingVerdict.SUPPORTED),
        ([Saw(balances=7)] * 3, [RIGHT, Saw(balances=1), RIGHT], RulingVerdict.INCONCLUSIVE),
        ([Saw(balances=7)] * 3, [RIGHT, Saw(errors=1), RIGHT], RulingVerdict.INCONCLUSIVE),
    ],
)
def test_wrong_answers_decide_and_refusals_for_lack_of_money_are_none(
    tmp_path: Path, shared: list[Saw], own: list[Saw], verdict: RulingVerdict
) -> None:
    found = shared_session(evidence_of(tmp_path, runs(shared, own)))
    assert found.verdict is verdict
    figures = {(figure.name, figure.where.split(",")[0]): figure for figure in found.figures}
    assert figures["balances that were wrong", "one session for all"].high == max(saw.balances for saw in shared)


def test_too_few_reads_show_nothing(tmp_path: Path) -> None:
    few = runs([Saw(balances=1)], [RIGHT])
    few["shared-session"][1] = trial("orm-transfer", RIGHT, 1, reads=FEWEST_READS - 1)
    with pytest.raises(MissingEvidenceError, match="only 99 reads of orm-transfer were answered"):
        shared_session(evidence_of(tmp_path, few))


def test_balances_that_never_changed_could_not_be_wrong(tmp_path: Path) -> None:
    still = runs([RIGHT] * 3, [RIGHT] * 3)
    still["shared-session"][1] = trial("shared-session", RIGHT, 2, transfers=19)
    with pytest.raises(MissingEvidenceError, match="only 19 transfers of shared-session were acknowledged, of 20"):
        shared_session(evidence_of(tmp_path / "shared", still))
    still = runs([Saw(balances=7)] * 3, [RIGHT] * 3)
    still["shared-session"][4] = trial("orm-transfer", RIGHT, 2, transfers=0)
    with pytest.raises(MissingEvidenceError, match="only 0 transfers of orm-transfer were acknowledged"):
        shared_session(evidence_of(tmp_path / "own", still))


def test_a_wrong_answer_is_a_proof_however_few_transfers_there_were(tmp_path: Path) -> None:
    few = runs([Saw(balances=7)], [RIGHT])
    few["shared-session"][0] = trial("shared-session", Saw(balances=7), 1, transfers=3)
    assert shared_session(evidence_of(tmp_path, few)).verdict is RulingVerdict.SUPPORTED
