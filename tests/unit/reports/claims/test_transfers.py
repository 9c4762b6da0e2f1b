"""The ruling on the tutorial's transfer, from synthetic runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from harness.records import Bank, Outcome
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rulings.transfers import FEWEST_CUT, FEWEST_TRANSFERS, transfer_atomic
from scenarios import cut_transfers
from scenarios.tellers import SCENARIO
from tests.unit.reports.builder import Request, TrialBuilder, target_info
from tests.unit.reports.claims.support import evidence_of


def bank(drift: int, stored: int, acknowledged: int | None = None) -> Bank:
    return Bank(
        total_before_cents=1_000_000,
        total_after_cents=1_000_000 + drift,
        transfers_stored=stored,
        transfers_acknowledged=stored if acknowledged is None else acknowledged,
        negative_balances=0,
    )


def trials(target: str, drifts: Iterable[int], transfers: int = 900) -> Iterator[TrialBuilder]:
    """Tellers who meet, with the sum off by so much in each trial; and for each one with cut connections."""
    for repetition, drift in enumerate(drifts, 1):
        trial = TrialBuilder(SCENARIO, target_info(target), repetition=repetition)
        trial.mark_phases()
        trial.requests += [
            Request("crowded", 0.6 + number / 100, 5.0, operation="transfer") for number in range(100)
        ]
        trial.bank = bank(drift, transfers)
        yield trial
        yield cut_trial(target, repetition)


def cut_trial(
    target: str, repetition: int = 1, *, drift: int = 0, cut: int = 20, stored: int = 300, acknowledged: int = 290
) -> TrialBuilder:
    trial = TrialBuilder(cut_transfers.SCENARIO, target_info(target), repetition=repetition)
    trial.mark_phases()
    at_s = trial.scenario.phases[0].duration_s
    for number, fault in enumerate(trial.scenario.phases[1].faults, 1):
        name = f"cut/{number}:{fault.kind}"
        trial.mark_fault(name, planned_s=at_s + fault.at_s, heal_planned_s=at_s + fault.ends_at_s)
    trial.requests += [Request("cut", 0.6, 5.0, operation="transfer") for _ in range(stored)]
    for number in range(cut):
        outcome = Outcome.UNKNOWN if number % 3 else Outcome.FAILED
        trial.requests.append(Request("cut", 0.8, 5.0, outcome, "database-unavailable", operation="transfer"))
    trial.bank = bank(drift, stored, acknowledged)
    return trial


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


def test_cut_transfers_that_are_whole_are_counted_and_said(tmp_path: Path) -> None:
    runs = {"transfers": [*trials("sync-pool", [0]), *trials("orm-transfer", [0])]}
    found = transfer_atomic(evidence_of(tmp_path, runs))
    assert "of 20 transfers whose connection was cut none was stored by half" in found.said
    halves = [figure.value for figure in found.figures if figure.name == "money moved by half transfers"]
    assert halves == [0, 0]


@pytest.mark.parametrize(
    ("target", "verdict"),
    [("orm-transfer", RulingVerdict.REFUTED), ("sync-pool", RulingVerdict.INCONCLUSIVE)],
)
@pytest.mark.parametrize("fault", [{"drift": -40}, {"stored": 300, "acknowledged": 301}])
def test_half_a_transfer_or_a_lost_one_is_found(
    tmp_path: Path, target: str, verdict: RulingVerdict, fault: dict[str, int]
) -> None:
    others = [
        trial
        for name in ("sync-pool", "orm-transfer")
        for trial in trials(name, [0])
        if (trial.scenario.name, name) != ("cut-transfers", target)
    ]
    found = transfer_atomic(evidence_of(tmp_path, {"transfers": [*others, cut_trial(target, **fault)]}))
    assert found.verdict is verdict


def test_too_few_cut_transfers_show_nothing(tmp_path: Path) -> None:
    kept = [
        trial
        for name in ("sync-pool", "orm-transfer")
        for trial in trials(name, [0])
        if (trial.scenario.name, name) != ("cut-transfers", "orm-transfer")
    ]
    runs = {"transfers": [*kept, cut_trial("orm-transfer", cut=FEWEST_CUT - 1)]}
    with pytest.raises(MissingEvidenceError, match="only 4 transfers by orm-transfer lost their connection"):
        transfer_atomic(evidence_of(tmp_path, runs))
