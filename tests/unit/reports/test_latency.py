"""Phases add up, rates are per second of the recorded phase, ratios pair repetitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.records import GeneratorReading, MarkKind, Measure, Outcome, TrialState
from reports.analyse import analyse
from reports.analysis.folding import fold_trial
from reports.analysis.windows import course
from reports.read import read_run
from reports.summary import PhaseResult, Summary
from scenarios.model import Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, target_info, write_run

PLAIN = Scenario(name="plain", title="Plain", question="What?", phases=(one_phase(duration_s=2.0),))


def summary_of(path: Path, trials: list[TrialBuilder]) -> Summary:
    return analyse(read_run(write_run(path / "run", trials)))


def whole(summary: Summary, target: int = 0, phase: str = "steady", operation: str = "all") -> PhaseResult:
    found = summary.scenarios[0].targets[target].phases
    return next(result for result in found if (result.phase, result.operation) == (phase, operation))


def trial(target: str, repetition: int, latency_ms: float, count: int = 40) -> TrialBuilder:
    """`count` equal requests, spread over the two seconds of the phase."""
    built = TrialBuilder(PLAIN, target_info(target), repetition)
    built.mark_phases()
    built.requests += [Request("steady", 2.0 * n / count, latency_ms) for n in range(count)]
    return built


def test_repetitions_merge_and_rates_are_per_second(tmp_path: Path) -> None:
    result = whole(summary_of(tmp_path, [trial("a", 1, 10), trial("a", 2, 30)]))

    assert result.success.count == 80
    assert result.success.p50_ms == pytest.approx(10, rel=1e-3)  # rank 40 of 40 x 10 ms and 40 x 30 ms
    assert result.success.p90_ms == pytest.approx(30, rel=1e-3)
    assert result.success.mean_ms == pytest.approx(20, rel=1e-3)
    assert result.started_per_s == pytest.approx(20)  # 80 requests in 2 x 2 s


def test_ratio_is_median_and_range_over_pairs(tmp_path: Path) -> None:
    trials = [trial("control", n, 10) for n in (1, 2, 3)] + [trial("other", n, 10 * (n + 1)) for n in (1, 2, 3)]
    summary = summary_of(tmp_path, trials)

    ratio = whole(summary, target=1).p50_ratio

    # 20/10, 30/10, 40/10
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((3, 2, 4), rel=2e-3)
    assert ratio.repetitions == 3
    assert whole(summary, target=0).p50_ratio is None


def test_ratio_pairs_only_what_both_completed(tmp_path: Path) -> None:
    trials = [trial("control", n, 10) for n in (1, 2)] + [trial("other", n, 10 * (n + 1)) for n in (1, 2)]
    trials[0].state = TrialState.FAILED

    ratio = whole(summary_of(tmp_path, trials), target=1).p50_ratio

    assert ratio is not None
    assert ratio.median == pytest.approx(3, rel=2e-3)
    assert ratio.repetitions == 1


def test_ratio_of_few_requests_is_none(tmp_path: Path) -> None:
    trials = [trial("control", 1, 10, count=19), trial("other", 1, 10, count=40)]

    assert whole(summary_of(tmp_path, trials), target=1).p50_ratio is None


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.ABORTED, TrialState.INVALID])
def test_trials_not_completed_are_listed_and_left_out(tmp_path: Path, state: TrialState) -> None:
    trials = [trial("a", 1, 10), trial("a", 2, 500)]
    trials[1].state, trials[1].reason = state, "because"
    summary = summary_of(tmp_path, trials)

    assert whole(summary).success.max_ms == pytest.approx(10, rel=1e-3)
    assert [(line.state, line.reason) for line in summary.scenarios[0].targets[0].trials] == [
        ("completed", ""),
        (state.value, "because"),
    ]
    assert (summary.run.trials_planned, summary.run.trials_completed) == (2, 1)


def test_successes_and_failures_apart_and_together(tmp_path: Path) -> None:
    built = trial("a", 1, 100, count=10)
    built.requests += [Request("steady", 1.0, 2, Outcome.REFUSED, "pool-exhausted") for _ in range(20)]
    built.requests += [Request("steady", 1.0, 60, Outcome.UNKNOWN, "client-timeout") for _ in range(5)]

    result = whole(summary_of(tmp_path, [built]))

    assert (result.success.count, result.failure.count, result.together.count) == (10, 25, 35)
    assert result.success.p50_ms == pytest.approx(100, rel=1e-3)
    assert result.failure.p50_ms == pytest.approx(2, rel=1e-3)  # rank 13 of 20 x 2 ms and 5 x 60 ms
    assert result.together.p50_ms == pytest.approx(2, rel=1e-3)  # fast refusals flatter
    assert result.success_share == pytest.approx(10 / 35)
    assert result.outcomes == {"ok": 10, "refused": 20, "failed": 0, "unknown": 5, "aborted": 0}


def test_aborted_requests_are_counted_but_neither_success_nor_failure(tmp_path: Path) -> None:
    built = trial("a", 1, 10, count=20)
    built.requests += [Request("steady", 1.9, 2000, Outcome.ABORTED, "load-ended") for _ in range(3)]

    result = whole(summary_of(tmp_path, [built]))

    assert (result.success.count, result.failure.count, result.together.count) == (20, 0, 20)
    assert result.outcomes["aborted"] == 3
    assert result.success_share == 1


def test_service_time_is_kept_apart(tmp_path: Path) -> None:
    built = trial("a", 1, 10, count=0)
    built.requests += [Request("steady", 0.1, 40, service_ms=39.2)] * 3

    result = whole(summary_of(tmp_path, [built]))

    assert result.success.p50_ms == pytest.approx(40, rel=1e-3)
    assert result.service.p50_ms == pytest.approx(39.2, rel=1e-3)


@pytest.mark.parametrize("measure", [measure for measure in Measure if measure is not Measure.RESPONSE])
def test_other_measures_count_no_request_again(tmp_path: Path, measure: Measure) -> None:
    (read,) = read_run(write_run(tmp_path / "run", [trial("a", 1, 10, count=30)])).trials
    cell = next(cell for cell in read.cells if cell.key.measure is Measure.RESPONSE)
    extra = replace(cell, key=replace(cell.key, measure=measure))
    happened = course(read, PLAIN)

    fold = fold_trial(replace(read, cells=(*read.cells, extra)), happened).phases["steady", "all"]

    assert (fold.success.total, fold.outcomes.total(), fold.completed) == (30, 30, 30)


def test_operations_add_up_to_all(tmp_path: Path) -> None:
    built = trial("a", 1, 10, count=30)
    built.requests += [Request("steady", 1.0, 20, operation="transfer") for _ in range(12)]
    summary = summary_of(tmp_path, [built])

    counts = {name: whole(summary, operation=name).success.count for name in ("all", "read", "transfer")}

    assert counts == {"all": 42, "read": 30, "transfer": 12}


def test_completions_count_in_the_phase_of_the_answer(tmp_path: Path) -> None:
    phases = (one_phase("before", 1.0), one_phase("after", 1.0))
    scenario = Scenario(name="two", title="Two", question="What?", phases=phases)
    built = TrialBuilder(scenario, target_info("a"))
    built.mark_phases()
    # sent in the first second, answered about 0.75 s into the second one; and one answered at once in each
    built.requests += [Request("before", 0.42, 1300) for _ in range(5)]
    built.requests += [Request("before", 0.42, 5), Request("after", 1.42, 5)]
    summary = summary_of(tmp_path, [built])

    before, after = whole(summary, phase="before"), whole(summary, phase="after")

    assert (before.started_per_s, before.completed_per_s) == (6, 1)
    assert (after.started_per_s, after.completed_per_s) == (1, 6)
    assert before.success.count == 6


def test_rates_use_the_recorded_length_of_a_phase(tmp_path: Path) -> None:
    built = TrialBuilder(PLAIN, target_info("a"))
    built.mark(0, MarkKind.PHASE_START, "steady")
    built.mark(4, MarkKind.PHASE_END, "steady")  # planned were 2 s
    built.mark(4, MarkKind.LOAD_END)
    built.requests += [Request("steady", 0.1 * n, 5) for n in range(40)]

    assert whole(summary_of(tmp_path, [built])).started_per_s == pytest.approx(10)


def test_phase_without_a_request_has_no_figures(tmp_path: Path) -> None:
    result = whole(summary_of(tmp_path, [trial("a", 1, 10, count=0), trial("a", 2, 10, count=0)]))

    assert (result.success.count, result.success.p50_ms, result.success_share) == (0, None, None)


def test_warmup_is_flagged(tmp_path: Path) -> None:
    warm = Phase(name="warm-up", duration_s=1, users=2, warmup=True)
    scenario = Scenario(name="plain", title="Plain", question="What?", phases=(warm, one_phase()))
    built = TrialBuilder(scenario, target_info("a"))
    built.mark_phases()
    built.requests.append(Request("steady", 1.5, 5))

    found = summary_of(tmp_path, [built]).scenarios[0].targets[0].phases

    assert [(result.phase, result.warmup) for result in found if result.operation == "all"] == [
        ("warm-up", True),
        ("steady", False),
    ]


def test_not_started_is_taken_from_the_generator_by_phase(tmp_path: Path) -> None:
    scenario = Scenario(
        name="two", title="Two", question="What?", phases=(one_phase("before", 1.0), one_phase("after", 1.0))
    )
    built = TrialBuilder(scenario, target_info("a"))
    built.mark_phases()
    built.requests.append(Request("before", 0.5, 5))
    built.mark_fault("before/1:timeout", planned_s=0.1, heal_planned_s=0.9)  # else the trial were invalid
    for t_s, phase, total in ((0.5, "before", 2), (0.9, "before", 3), (1.5, "after", 10)):
        built.readings.append(generator(t_s, phase, {"not_started_total": total}))
    summary = summary_of(tmp_path, [built])

    assert [whole(summary, phase=name).not_started for name in ("before", "after")] == [3, 7]


def generator(t_s: float, phase: str, values: Mapping[str, float]) -> GeneratorReading:
    usual = {"users": 0, "in_flight": 0, "started_total": 0, "completed_total": 0, "not_started_total": 0}
    return GeneratorReading.model_validate(
        {"t_ns": ns(t_s), "phase": phase, "late_max_ms": 0.0, **usual, **values}
    )
