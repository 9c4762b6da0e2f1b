"""The ruling on reads on a replica, from synthetic runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import Action, DatabaseReading, Outcome, ReplicationReading, Stored, Write
from reports.claims.base import RulingVerdict
from reports.claims.evidence import MissingEvidenceError
from reports.claims.rules import Found
from reports.claims.rulings.rw_split import rw_split_relieves_and_stays_right
from scenarios import own_writes, rw_split
from tests.unit.reports.builder import Request, TrialBuilder, ns, target_info
from tests.unit.reports.claims.support import evidence_of

WRITES = 25
LATE_S = 0.05


def looked(
    target: str,
    late: bool,
    repetition: int = 1,
    writes: int = WRITES,
    strange: bool = False,
    behind_ms: float | None = 52.0,
    on_replica: int = 2,
) -> TrialBuilder:
    """Own writes that are there at once in the first phase and, where `late`, 50 ms after it in the second."""
    made = TrialBuilder(own_writes.SCENARIO, target_info(target), repetition=repetition)
    made.mark_phases()
    starts = {"near": 0.4, "late": 2.9}
    made.mark_fault("late/1:latency", planned_s=2.9, heal_planned_s=2.9 + 3.4)
    for phase, began_s in starts.items():
        for number in range(writes):
            token, at_s = f"{phase}-{repetition}-{number}", began_s + number * 0.1
            behind = late and phase == "late"
            made.writes.append(_entry("write", "transfer", phase, at_s, token))
            made.stored.append(Stored(token=token))
            made.requests.append(Request(phase, at_s, 1.0, operation="transfer"))
            looks = [(0.045, False), (0.054, True)] if behind else [(0.002, True)]
            for after_s, seen in looks:
                made.writes.append(_entry("read", "read_transfer", phase, at_s + after_s, token, seen))
                made.requests.append(Request(phase, at_s + after_s, 1.0, operation="read_transfer"))
    made.readings += [
        ReplicationReading(t_ns=ns(3.0 + 0.2 * number), behind_bytes=900, replay_lag_ms=behind_ms)
        for number in range(8)
        if target != "sync-pool"
    ]
    made.readings.append(
        DatabaseReading(
            t_ns=ns(3.2), part="replica", active=0, idle=on_replica, idle_in_transaction=0, total=on_replica
        )
    )
    if strange:
        made.writes.append(_entry("read", "read_transfer", "late", 5.0, "nobody-sent-this", seen=True))
        made.requests.append(Request("late", 5.0, 1.0, operation="read_transfer"))
    return made


def _entry(action: Action, operation: str, phase: str, at_s: float, token: str, seen: bool | None = None) -> Write:
    return Write(
        operation=operation,
        phase=phase,
        token=token,
        sent_ns=ns(at_s),
        answered_ns=ns(at_s + 0.001),
        outcome=Outcome.OK,
        kind="-",
        action=action,
        seen=seen,
    )


def split(target: str, cpu_s: float, outcome: Outcome = Outcome.OK) -> TrialBuilder:
    made = TrialBuilder(rw_split.SCENARIO, target_info(target))
    made.mark_phases()
    at_s = 0.0
    for phase in made.scenario.phases:
        for number, fault in enumerate(phase.faults, 1):
            made.mark_fault(
                f"{phase.name}/{number}:{fault.kind}",
                planned_s=at_s + fault.at_s,
                heal_planned_s=at_s + fault.ends_at_s,
            )
        at_s += phase.duration_s
    made.requests += [Request("healthy", 1.0, 3.0, outcome) for _ in range(100)]
    made.readings.append(DatabaseReading(t_ns=ns(2.0), active=1, idle=1, idle_in_transaction=0, total=2))
    made.cpu_s = {"primary": cpu_s}
    return made


def trials(replica: bool = True, primary: bool = False) -> list[TrialBuilder]:
    late = {"sync-pool": primary, "rw-split": replica, "rw-split-sticky": False}
    return [looked(target, each, number) for target, each in late.items() for number in (1, 2)]


def rule(tmp_path: Path, runs: dict[str, list[TrialBuilder]]) -> Found:
    return rw_split_relieves_and_stays_right(evidence_of(tmp_path, runs))


def test_own_writes_that_are_not_there_refute_it_and_are_dated(tmp_path: Path) -> None:
    found = rule(tmp_path, {"own-writes": trials()})
    assert found.verdict is RulingVerdict.REFUTED
    assert "25 of 25 own writes were not there at the first look, and came 49 ms (44 to 54) after" in found.said
    assert "have, 0 of 25 were missed." in found.condition


@pytest.mark.parametrize(("cpu_s", "verdict"), [(0.02, RulingVerdict.SUPPORTED), (0.058, RulingVerdict.REFUTED)])
def test_where_all_are_there_the_relief_decides(tmp_path: Path, cpu_s: float, verdict: RulingVerdict) -> None:
    relief = [split("sync-pool", 0.06), split("rw-split", cpu_s)]
    found = rule(tmp_path, {"own-writes": trials(replica=False), "rw-split": relief})
    assert found.verdict is verdict
    assert "instead of 0.60" in found.said


def test_without_the_relief_all_being_there_shows_half(tmp_path: Path) -> None:
    assert rule(tmp_path, {"own-writes": trials(replica=False)}).verdict is RulingVerdict.INCONCLUSIVE


def test_writes_that_the_primary_itself_does_not_show_leave_nothing_to_be_said(tmp_path: Path) -> None:
    found = rule(tmp_path, {"own-writes": trials(primary=True)})
    assert found.verdict is RulingVerdict.INCONCLUSIVE
    assert "on the primary alone, too" in found.said


def test_few_writes_and_a_history_that_is_not_sound_show_nothing(tmp_path: Path) -> None:
    others = [looked("sync-pool", False), looked("rw-split-sticky", False)]
    few = [*others, looked("rw-split", True, writes=19)]
    with pytest.raises(MissingEvidenceError, match="only 19 own writes were looked for in near"):
        rule(tmp_path / "few", {"own-writes": few})
    strange = [*others, looked("rw-split", True, strange=True)]
    with pytest.raises(MissingEvidenceError, match="cannot be believed: a read looked for nobody-sent-this"):
        rule(tmp_path / "strange", {"own-writes": strange})


@pytest.mark.parametrize(("behind_ms", "on_replica"), [(None, 2), (0.4, 2), (24.0, 2), (52.0, 0)])
def test_no_miss_is_no_evidence_where_the_replica_was_not_seen_late_or_not_asked(
    tmp_path: Path, behind_ms: float | None, on_replica: int
) -> None:
    made = [
        looked("sync-pool", False),
        looked("rw-split", False, behind_ms=behind_ms, on_replica=on_replica),
        looked("rw-split-sticky", False),
    ]
    relief = [split("sync-pool", 0.06), split("rw-split", 0.02)]
    with pytest.raises(MissingEvidenceError, match="nothing shows that the replica was late, and asked"):
        rule(tmp_path, {"own-writes": made, "rw-split": relief})


def test_a_miss_shows_by_itself_that_the_replica_was_late(tmp_path: Path) -> None:
    made = [
        looked("sync-pool", False),
        looked("rw-split", True, behind_ms=None),
        looked("rw-split-sticky", False, behind_ms=None),
    ]
    found = rule(tmp_path, {"own-writes": made})
    assert found.verdict is RulingVerdict.REFUTED
    assert "were missed, but nothing shows that the replica was late." in found.condition


def test_a_primary_that_served_nobody_was_not_relieved(tmp_path: Path) -> None:
    relief = [split("sync-pool", 0.06), split("rw-split", 0.01, Outcome.FAILED)]
    with pytest.raises(MissingEvidenceError, match="only 0 requests were served in trial 001-rw-split"):
        rule(tmp_path, {"own-writes": trials(replica=False), "rw-split": relief})


@pytest.mark.parametrize("spent_s", [(0.0, 0.0), (0.06, 0.0)])
def test_processor_time_that_nobody_counted_is_no_relief(tmp_path: Path, spent_s: tuple[float, float]) -> None:
    relief = [split("sync-pool", spent_s[0]), split("rw-split", spent_s[1])]
    with pytest.raises(MissingEvidenceError, match="processor time is not known"):
        rule(tmp_path, {"own-writes": trials(replica=False), "rw-split": relief})
