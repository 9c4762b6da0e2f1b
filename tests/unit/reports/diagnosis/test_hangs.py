"""query-hang and preping-hang are told from one another and from waits for anything else."""

from __future__ import annotations

from pathlib import Path

from harness.records import DatabaseReading, Outcome, Reading
from reports.diagnosis.rule import CannotTell, Seen
from reports.diagnosis.rules import preping_hang, query_hang
from scenarios.model import FaultSpec, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, pool_reading
from tests.unit.reports.diagnosis.support import evidence_of, trial_of

FAST = [Request("steady", n / 50, 3.0) for n in range(60)]
HUNG = [Request("steady", 1.0, 4000.0, Outcome.UNKNOWN, "http-500")]
PHASE = one_phase(duration_s=5.0).model_copy(
    update={"faults": (FaultSpec(kind="timeout", at_s=1.0, duration_s=4.0),)}
)
SILENT = Scenario(name="load", title="Load", question="What is wrong?", phases=(PHASE,))
CALM = SILENT.model_copy(update={"phases": (one_phase(duration_s=5.0),)})


def readings(*, out: int, waiting: int, pings: int, active: int = 0) -> list[Reading]:
    """All moves for a second, and then nothing does."""
    pool = [
        pool_reading(
            t / 10,
            0 if t < 10 else out,
            limit=10,
            waiting=0 if t < 10 else waiting,
            checkouts_total=10 * min(t, 10),
            statements_total=10 * min(t, 10),
            pings_total=min(10 * min(t, 10), pings),
        )
        for t in range(50)
    ]
    sessions = [
        DatabaseReading(t_ns=ns(t / 5), active=active, idle=5 - active, idle_in_transaction=0, total=5)
        for t in range(25)
    ]
    return [*pool, *sessions]


def trial(requests: list[Request], told: list[Reading], scenario: Scenario = SILENT) -> TrialBuilder:
    built = trial_of(requests, told, scenario=scenario)
    for span in scenario.phases[0].faults:
        built.mark_fault(f"steady/1:{span.kind}", planned_s=span.at_s, heal_planned_s=span.ends_at_s)
    return built


def test_a_statement_without_an_answer_is_named(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial([*FAST, *HUNG], readings(out=1, waiting=3, pings=0)))
    assert isinstance(query_hang.RULE.asked(evidence), Seen)
    assert preping_hang.RULE.asked(evidence) is None


def test_a_ping_without_an_answer_is_named(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial([*FAST, *HUNG], readings(out=0, waiting=3, pings=100)))
    assert isinstance(preping_hang.RULE.asked(evidence), Seen)
    assert query_hang.RULE.asked(evidence) is None


def test_a_wait_for_a_connection_of_a_pool_that_does_not_ping_is_neither(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial([*FAST, *HUNG], readings(out=0, waiting=3, pings=0)))
    assert preping_hang.RULE.asked(evidence) is None
    assert query_hang.RULE.asked(evidence) is None


def test_a_server_at_work_is_neither(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial([*FAST, *HUNG], readings(out=1, waiting=3, pings=0, active=1)))
    assert query_hang.RULE.asked(evidence) is None


def test_a_stall_that_no_request_waited_for_is_none(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial(FAST, readings(out=1, waiting=3, pings=0)))
    assert query_hang.RULE.asked(evidence) is None


def test_a_held_connection_on_a_link_that_was_well_cannot_be_told(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, trial([*FAST, *HUNG], readings(out=1, waiting=0, pings=0), CALM))
    assert isinstance(query_hang.RULE.asked(evidence), CannotTell)


def test_without_gauges_it_cannot_be_told(tmp_path: Path) -> None:
    told: list[Reading] = [one for one in readings(out=1, waiting=3, pings=0) if isinstance(one, DatabaseReading)]
    evidence = evidence_of(tmp_path, trial([*FAST, *HUNG], told))
    assert isinstance(query_hang.RULE.asked(evidence), CannotTell)
    assert isinstance(preping_hang.RULE.asked(evidence), CannotTell)
