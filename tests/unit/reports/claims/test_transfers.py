"""The ruling on the tutorial's transfer, from synthetic runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from harness.records import Bank
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rulings.transfers import FEWEST_TRANSFERS, transfer_atomic
from scenarios.tellers import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, target_info
from tests.unit.reports.claims.support import evidence_of


def trials(target: str, drifts: Iterable[int], transfers: int = 900) -> Iterator[TrialBuilder]:
    for repetition, drift in enumerate(drifts, 1):
        trial = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
        trial.mark_phases()
        trial.requests += [
            Request("crowded", 0.6 + number / 100, 5.0, operation="transfer") for number in range(100)
        ]
        trial.bank = Bank(
            total_before_cents=1_000_000,
            total_after_cents=1_000_000 + drift,
            transfers_stored=transfers,
            transfers_acknowledged=transfers,
            negative_balances=0,
        )
        yield trial


@pytest.mark.parametrize(
    ("tutorial", "locking", "verdict"),
    [
        ([-70, 12, -3], [0, 0, 0], RulingVerdict.REFUTED),
        ([-70, 0, -3], [0, 0, 0], RulingVerdict.REFUTED),
        ([0, 0, 0], [0, 0, 0], RulingVerdict.SUPPORTED),
        ([-70, 12, -3], [0, 5, 0], RulingVerdict.INCONCLUSIVE),
    ],
)
def test_a_sum_that_moves_refutes_the_transfer(
    tmp_path: Path, tutorial: list[int], locking: list[int], verdict: RulingVerdict
) -> None:
    runs = {"transfers": [*trials("sync-pool", locking), *trials("orm-transfer", tutorial)]}
    found = transfer_atomic(evidence_of(tmp_path, runs))
    assert verdict is found.verdict
    assert [(min(tutorial), max(tutorial))] == [(figure.low, figure.high) for figure in found.figures[:1]]


def test_too_few_transfers_show_nothing(tmp_path: Path) -> None:
    few = FEWEST_TRANSFERS - 1
    runs = {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [0], transfers=few)]}
    with pytest.raises(MissingEvidenceError, match=f"only {few} transfers by orm-transfer"):
        transfer_atomic(evidence_of(tmp_path, runs))
