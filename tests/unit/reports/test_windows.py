"""Fault windows follow the marks; recovery follows what was sent after the healing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import MarkKind, Outcome
from reports.analyse import analyse, describe_fault
from reports.analysis.folding import fold_trial
from reports.analysis.windows import course
from reports.read import read_run
from reports.summary import FaultWindow
from scenarios.model import FaultSpec, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, target_info, write_run

SCENARIO = Scenario(name="broken", title="Broken", question="What?", phases=(one_phase(duration_s=4.0),))
FAILED = (Outcome.FAILED, "database-unavailable")


def steady_trial(*, without: tuple[float, float] = (9, 9), latency_ms: float = 5) -> TrialBuilder:
    """Successes at 0.02, 0.07 ... s, two an interval; a fault from 1 to 2 s that takes 30 ms each way."""
    trial = TrialBuilder(SCENARIO, target_info("a"))
    trial.mark_phases()
    trial.mark_fault("steady/1:proxy-down", planned_s=1.0, heal_planned_s=2.0, takes_s=0.03)
    times = [n * 0.05 + 0.02 for n in range(80)]
    trial.requests += [Request("steady", t, latency_ms) for t in times if not without[0] <= t < without[1]]
    return trial


def windows(tmp_path: Path, trial: TrialBuilder) -> tuple[FaultWindow, ...]:
    return analyse(read_run(write_run(tmp_path / "run", [trial]))).scenarios[0].targets[0].faults


def recovery_ms(tmp_path: Path, trial: TrialBuilder) -> float | None:
    return windows(tmp_path, trial)[0].recovery_ms


def test_inside_are_whole_intervals_between_inject_done_and_heal_begin(tmp_path: Path) -> None:
    (window,) = windows(tmp_path, steady_trial())

    # Intervals from 1.1 (the first after 1.03) to 2.0: nine, with two requests each.
    assert window.requests == 18
    assert window.success.count == 18
    # Of these, those answered by 2.0 even if sent at their interval's end: eight intervals.
    assert window.answered_inside == 16
    assert (window.phase, window.kind, window.planned_s) == ("steady", "proxy-down", 1.0)
    assert (window.inject_begin_s, window.inject_done_s, window.heal_begin_s, window.heal_done_s) == (
        1,
        1.03,
        2,
        2.03,
    )
    assert (window.inject_late_ms, window.heal_late_ms) == pytest.approx((30, 30))


def test_windows_follow_the_marks_and_not_the_plan(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.marks = [m for m in trial.marks if m.kind not in (MarkKind.HEAL_BEGIN, MarkKind.HEAL_DONE)]
    trial.mark(2.5, MarkKind.HEAL_BEGIN, "steady/1:proxy-down", planned_s=2.0)
    trial.mark(2.5, MarkKind.HEAL_DONE, "steady/1:proxy-down", planned_s=2.0)

    (window,) = windows(tmp_path, trial)

    assert window.requests == 28  # 1.1 to 2.5
    assert window.heal_late_ms == pytest.approx(500)


def test_stalled_requests_are_inside_and_not_answered_inside(tmp_path: Path) -> None:
    trial = steady_trial(without=(1.0, 2.0))
    stalled = [n * 0.05 + 0.02 for n in range(20, 40)]
    trial.requests += [Request("steady", t, (2.05 - t) * 1000) for t in stalled]

    (window,) = windows(tmp_path, trial)

    assert (window.requests, window.answered_inside) == (18, 0)
    assert window.success.max_ms == pytest.approx((2.05 - 1.12) * 1000, rel=1e-3)


def test_recovery_of_a_fault_without_trace_is_under_one_interval(tmp_path: Path) -> None:
    # heal-done 2.03; the first whole interval begins at 2.1.
    assert recovery_ms(tmp_path, steady_trial()) == pytest.approx(70)


def test_recovery_ends_after_the_last_interval_with_a_failure(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.requests += [Request("steady", 2.15, 3, *FAILED), Request("steady", 2.32, 3, *FAILED)]

    # The interval from 2.3 holds the last failure, so 2.4 is the start of steady success: 2.4 - 2.03.
    assert recovery_ms(tmp_path, trial) == pytest.approx(370)


def test_requests_sent_before_the_healing_do_not_count_against_recovery(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.requests += [Request("steady", 1.95, 900, *FAILED), Request("steady", 2.01, 900, *FAILED)]

    assert recovery_ms(tmp_path, trial) == pytest.approx(70)


def test_intervals_without_requests_are_neither_success_nor_failure(tmp_path: Path) -> None:
    trial = steady_trial(without=(2.0, 3.0))
    trial.requests.append(Request("steady", 2.55, 3, *FAILED))

    assert recovery_ms(tmp_path, trial) == pytest.approx(570)  # 2.6 - 2.03


def test_aborted_requests_are_neither_success_nor_failure(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.requests.append(Request("steady", 3.95, 3, Outcome.ABORTED, "load-ended"))

    assert recovery_ms(tmp_path, trial) == pytest.approx(70)


def test_no_success_after_the_last_failure_is_no_recovery(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.requests.append(Request("steady", 3.95, 3, *FAILED))

    assert recovery_ms(tmp_path, trial) is None


def test_no_request_after_the_healing_is_no_recovery(tmp_path: Path) -> None:
    assert recovery_ms(tmp_path, steady_trial(without=(2.0, 9.0))) is None


def test_recovery_looks_no_further_than_the_next_injection(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.mark_fault("steady/2:reset-peer", planned_s=3.0, heal_planned_s=3.5)
    trial.requests += [Request("steady", 3.2, 3, *FAILED), Request("steady", 3.62, 3, *FAILED)]

    first, second = windows(tmp_path, trial)

    assert first.recovery_ms == pytest.approx(70)
    assert second.kind == "reset-peer"
    assert second.recovery_ms == pytest.approx(200)  # 3.7 - 3.5


def test_success_after_the_next_injection_is_no_recovery_from_the_first(tmp_path: Path) -> None:
    trial = steady_trial(without=(2.0, 3.0))
    trial.mark_fault("steady/2:reset-peer", planned_s=3.0, heal_planned_s=3.5)

    assert [window.recovery_ms for window in windows(tmp_path, trial)] == [None, pytest.approx(0)]


def test_failures_that_the_next_injection_may_have_caused_do_not_count(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.mark_fault("steady/2:reset-peer", planned_s=3.0, heal_planned_s=3.5)
    trial.requests.append(Request("steady", 2.95, 80, *FAILED))  # under way at 3.0

    assert windows(tmp_path, trial)[0].recovery_ms == pytest.approx(70)


def test_fault_that_was_never_healed_has_no_recovery(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.marks = [m for m in trial.marks if m.kind not in (MarkKind.HEAL_BEGIN, MarkKind.HEAL_DONE)]

    (window,) = windows(tmp_path, trial)

    assert (window.heal_begin_s, window.heal_done_s, window.heal_late_ms, window.recovery_ms) == (None,) * 4
    assert window.requests == 58  # 1.1 to 4.0


def test_outside_is_before_inject_begin_and_after_heal_done(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.requests += [Request("steady", t, 3, *FAILED) for t in (0.5, 1.05, 1.5, 2.01, 2.5)]
    (read,) = read_run(write_run(tmp_path / "run", [trial])).trials

    # 0 to 1.0 and 2.1 to 4.0: 29 intervals with 2 successes each, and the failures at 0.5 and 2.5
    assert fold_trial(read, course(read, SCENARIO)).outside == (60, 2)


def test_failure_under_way_at_an_injection_is_not_outside(tmp_path: Path) -> None:
    trial = steady_trial()
    trial.requests += [Request("steady", 0.85, 200, *FAILED), Request("steady", 0.75, 20, *FAILED)]
    (read,) = read_run(write_run(tmp_path / "run", [trial])).trials

    assert fold_trial(read, course(read, SCENARIO)).outside == (59, 1)


def test_recovery_does_not_depend_on_the_order_of_the_log(tmp_path: Path) -> None:
    """Parts of an interval are written when their answers are in, so a log is not sorted."""
    trial = steady_trial()
    trial.requests.append(Request("steady", 2.5, 3, *FAILED))
    (read,) = read_run(write_run(tmp_path / "run", [trial])).trials
    happened = course(read, SCENARIO)

    there, back = (
        fold_trial(replace(read, cells=cells), happened).windows[0].result
        for cells in (tuple(read.cells), tuple(read.cells)[::-1])
    )

    assert there == back
    assert there.recovery_ms is not None


def test_a_fault_of_a_scaled_scenario_is_described_to_the_millisecond() -> None:
    spec = FaultSpec(kind="latency", settings={"latency_ms": 10}, at_s=1 / 3, duration_s=4 / 3)
    assert "latency 10 ms from 0.333 s for 1.333 s" == describe_fault(spec)
