"""Processor time of a trial's parts: what a process that ended had used is in nobody's account any more."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

from harness.records import TargetInfo, TrialRecord, TrialSpec, TrialState
from harness.scene import Scene
from harness.witnesses.processor import ProcessorWitness
from tests.unit.reports.builder import CREATED_AT


class Counted:
    """A part that tells one figure after the other."""

    def __init__(self, *seconds: float) -> None:
        self._left: Iterator[float] = iter(seconds)

    def cpu_s(self) -> float:
        return next(self._left)

    def stands_still(self) -> bool:
        return False


def test_a_part_whose_count_went_back_is_left_out_and_leaves_a_record_that_can_be_read() -> None:
    parts = {"app": Counted(1.5, 0.0), "primary": Counted(1.0, 1.25), "proxy": Counted(2.0, 2.0)}
    witness = ProcessorWitness(cast(Scene, SimpleNamespace(processes=parts)))
    witness.before()
    witness.drained()
    record = TrialRecord(
        spec=TrialSpec(id="001-x", index=1, scenario="s", target="t", repetition=1),
        state=TrialState.COMPLETED,
        started_at=CREATED_AT,
        duration_s=1,
        origin_monotonic_ns=0,
        target=TargetInfo(name="t", title="t", teaches="t"),
    )

    told = witness.tell(record)

    assert told.cpu_s == {"primary": 0.25, "proxy": 0.0}
    assert TrialRecord.model_validate_json(told.model_dump_json()) == told
