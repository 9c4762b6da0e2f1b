"""A trial whose generator, host, faults or target were not right is invalid: shown with a reason, not counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records import Conformance, GeneratorReading, HostReading, MarkKind, TrialState
from reports.analyse import analyse
from reports.analysis import validity
from reports.analysis.folding import Observed
from reports.read import read_run
from reports.summary import Summary, TrialLine
from scenarios.model import FaultSpec, Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, target_info, write_run

WARM = Phase(name="warm-up", duration_s=1.0, users=1, warmup=True)
OPEN = Scenario(
    name="open",
    title="Open",
    question="?",
    phases=(WARM, one_phase(duration_s=10, rate_per_s=10)),
    request_timeout_s=2,
)
CLOSED = Scenario(
    name="closed", title="Closed", question="?", phases=(WARM, Phase(name="steady", duration_s=10, users=5))
)
FAULT = "steady/1:latency"
Change = Callable[[TrialBuilder], object]


def trial(scenario: Scenario = OPEN, *, latency_ms: float = 50, target: str = "a") -> TrialBuilder:
    """Ten seconds of one request every 100 ms, each 50 ms long."""
    built = TrialBuilder(scenario, target_info(target))
    built.mark_phases()
    built.requests += [Request("steady", 1 + step / 10, latency_ms) for step in range(100)]
    return built


def generator(t_s: float, *, phase: str = "steady", **values: float) -> GeneratorReading:
    usual = {"users": 0, "in_flight": 0, "started_total": 0, "completed_total": 0, "not_started_total": 0}
    return GeneratorReading.model_validate(
        {"t_ns": ns(t_s), "phase": phase, "late_max_ms": 0.0, **usual, **values}
    )


def host(t_s: float, generator_cpu_s: float = 0.0, **values: float) -> HostReading:
    usual = {"cpu_percent": 50.0, "steal_percent": 0.0}
    return HostReading.model_validate(
        {"t_ns": ns(t_s), **usual, "cpu_s": {"generator": generator_cpu_s}, **values}
    )


def judged(path: Path, *built: TrialBuilder) -> tuple[TrialLine, Summary]:
    summary = analyse(read_run(write_run(path / "run", list(built))))
    return summary.scenarios[0].targets[0].trials[0], summary


def late(count: int, late_ms: float, *, of: int = 100, phase: str = "steady") -> Change:
    """`count` of so many readings saw a start this late."""
    return lambda built: built.readings.extend(
        generator(1 + n / 10, phase=phase, late_max_ms=late_ms if n < count else 1.0) for n in range(of)
    )


def lag(lag_ms: float, *, service_ms: float = 50, share: float = 1) -> Change:
    """Every request took so long from its actual send; a share of them was sent this late."""

    def change(built: TrialBuilder) -> None:
        count = round(share * len(built.requests))
        built.requests = [
            Request("steady", r.sent_s, service_ms + (lag_ms if n < count else 0), service_ms=service_ms)
            for n, r in enumerate(built.requests)
        ]

    return change


def readings(*found: GeneratorReading | HostReading) -> Change:
    return lambda built: built.readings.extend(found)


def fault(**proof: bool) -> Change:
    return lambda built: built.mark_fault(FAULT, planned_s=3, heal_planned_s=4, **proof)


def unproved(built: TrialBuilder) -> None:
    fault()(built)
    built.mark(3.1, MarkKind.UNPROVED, FAULT)


def half_proved(built: TrialBuilder) -> None:
    fault(proved=False)(built)
    built.mark(3.1, MarkKind.PROVED, FAULT)


def capped_in_fault(built: TrialBuilder) -> None:
    fault()(built)
    built.readings += [generator(3.5, not_started_total=4), generator(5.9, not_started_total=9)]


def capped_after_fault(built: TrialBuilder) -> None:
    capped_in_fault(built)
    built.readings.append(generator(6.1, not_started_total=12))  # over 2 s, a timeout, after the healing at 4 s


def wrong_answer(built: TrialBuilder) -> None:
    wrong = Conformance(when="after", name="read-user", passed=False, detail="HTTP 500.")
    built.conformance = (*built.conformance, wrong)


@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        # More than 5 of 100 readings later than 20 ms; a tenth of the p50 of 50 ms is less.
        ("generator-late", late(6, 20.1), "more than 20 ms late in 6 of 100 readings of steady, at worst 20 ms"),
        ("generator-late", late(3, 30, of=20), "3 of 20 readings"),
        # A tenth of the median service time of 50 ms is 5 ms.
        ("generator-late", lag(5.2), "raises the median of steady from 50 ms to 55.2 ms"),
        ("generator-late", lag(2.1, service_ms=2), "raises the median of steady from 2 ms to 4.1 ms"),
        ("generator-stalled", readings(generator(2, loop_gap_max_ms=251)), "stood still for 251 ms in steady"),
        (
            "generator-capped",
            readings(generator(2, not_started_total=3)),
            "3 requests were kept back by the cap of 500",
        ),
        ("generator-capped", capped_after_fault, "3 requests were kept back"),
        # 9.6 s of processor time between 1.5 s and 10.5 s: 107 % of a core.
        (
            "generator-starved",
            readings(host(1.5), host(10.5, generator_cpu_s=9.6)),
            "used 107% of a processor core",
        ),
        # The same of the busiest of three load processes, which together leave two cores idle.
        (
            "generator-starved",
            readings(
                host(1.5),
                host(10.5, generator_cpu_s=9.9),
                generator(1.5, busiest_cpu_s=0.1),
                generator(10.5, busiest_cpu_s=9.7),
            ),
            "used 107% of a processor core in steady",
        ),
        (
            "generator-starved",
            lambda built: built.cpu_s.update(generator=10.5),  # 11 s of load: 95 %
            "used 95% of a processor core in the whole load",
        ),
        (
            "host-overrun",
            readings(host(2, cpu_percent=100, steal_percent=8), host(3, cpu_percent=96, steal_percent=4)),
            "98 % busy, 6 % of them with other guests",
        ),
        ("fault-unproved", unproved, "did not see what latency in steady should do"),
        ("fault-unproved", fault(proved=False), "no probe showed that latency in steady took effect"),
        ("fault-unproved", half_proved, "no probe showed that latency in steady took effect and ended"),
        ("conformance-failed", wrong_answer, "answered read-user wrongly after the load (HTTP 500)"),
    ],
)
def test_trial_that_breaks_a_rule_is_invalid(tmp_path: Path, rule: str, change: Change, words: str) -> None:
    built = trial()
    change(built)

    line, summary = judged(tmp_path, built)

    assert (line.state, line.rules) == ("invalid", (rule,))
    assert words in line.reason
    assert line.advice
    (target,) = summary.scenarios[0].targets
    assert (target.phases, target.timelines, target.counts, target.breakdowns) == ((), (), None, ())
    assert (summary.run.trials_completed, summary.run.trials_invalid) == (0, 1)
    (caveat,) = (caveat for caveat in summary.caveats if caveat.code == "trial-invalid")
    assert words in caveat.text
    assert caveat.advice == line.advice


@pytest.mark.parametrize(
    "change",
    [
        late(5, 400),  # not more than 5 of 100
        late(2, 400, of=5),  # a single hiccup, which may reach into two readings
        late(6, 19.9),
        late(50, 400, phase="warm-up"),
        lag(4.9),
        lag(1.9, service_ms=2),
        lag(40, share=0.4),  # the median is none of them
        readings(generator(2, loop_gap_max_ms=249), generator(0.5, phase="warm-up", loop_gap_max_ms=900)),
        readings(generator(0.5, phase="warm-up", not_started_total=3), generator(2, not_started_total=3)),
        capped_in_fault,
        readings(host(1.5), host(10.5, generator_cpu_s=8.0)),
        readings(host(1.5), host(1.9, generator_cpu_s=0.4)),  # too short to tell
        readings(host(2, cpu_percent=100, steal_percent=4.9)),
        readings(host(2, cpu_percent=94, steal_percent=20)),
        fault(),
    ],
)
def test_trial_that_keeps_within_the_rules_is_used(tmp_path: Path, change: Change) -> None:
    built = trial()
    change(built)

    line, summary = judged(tmp_path, built)

    assert (line.state, line.reason, line.rules) == ("completed", "", ())
    assert summary.scenarios[0].targets[0].phases[-1].success.count == 100


def test_slow_phases_may_start_later(tmp_path: Path) -> None:
    """A tenth of a p50 of 500 ms is 50 ms."""
    built = trial(latency_ms=500)
    late(50, 49)(built)

    assert judged(tmp_path, built)[0].state == "completed"


def test_closed_users_are_never_late(tmp_path: Path) -> None:
    built = trial(CLOSED)
    late(50, 400)(built)

    assert judged(tmp_path, built)[0].state == "completed"


def test_load_of_several_processes_may_use_as_many_cores(tmp_path: Path) -> None:
    built = trial()
    built.cpu_s, built.workers = {"generator": 10.5}, 2

    assert judged(tmp_path, built)[0].state == "completed"


def test_all_broken_rules_are_told_together(tmp_path: Path) -> None:
    built = trial()
    unproved(built)
    wrong_answer(built)

    line, _ = judged(tmp_path, built)

    assert line.rules == ("fault-unproved", "conformance-failed")
    assert "; the target answered" in line.reason


def test_run_without_proofs_is_old_and_not_invalid(tmp_path: Path) -> None:
    built = trial()
    fault(proved=False)(built)
    built.conformance, built.version = (), 1

    line, summary = judged(tmp_path, built)

    assert line.state == "completed"
    assert "no-proofs" in {caveat.code for caveat in summary.caveats}


def test_one_trial_without_proofs_among_others_is_invalid(tmp_path: Path) -> None:
    first, second = trial(), trial(target="b")
    first.conformance = ()
    fault(proved=False)(first)

    assert judged(tmp_path, first, second)[0].rules == ("fault-unproved",)


def test_what_the_recorder_calls_invalid_stays_so(tmp_path: Path) -> None:
    built = trial()
    built.state, built.reason = TrialState.INVALID, "1 of 2 load workers died"

    line, summary = judged(tmp_path, built)

    assert (line.state, line.reason) == ("invalid", "1 of 2 load workers died")
    assert line.advice
    assert summary.scenarios[0].targets[0].phases == ()


def test_invalid_repetition_is_in_no_ratio(tmp_path: Path) -> None:
    """Target b takes twice as long as a; its invalid repetition took ten times as long."""
    built = []
    for repetition in (1, 2):
        for name, latency_ms in (("a", 50.0), ("b", 100.0 if repetition == 1 else 500.0)):
            one = trial(target=name, latency_ms=latency_ms)
            one.repetition = repetition
            built.append(one)
    wrong_answer(built[3])

    summary = analyse(read_run(write_run(tmp_path / "run", built)))
    ratio = summary.scenarios[0].targets[1].phases[-1].p50_ratio

    assert ratio is not None
    assert (round(ratio.median, 2), ratio.repetitions) == (2.0, 1)


@pytest.mark.parametrize(("lag_ms", "told"), [(1.9, True), (0.4, False)])
def test_a_lag_too_small_to_make_a_trial_invalid_is_a_caveat(tmp_path: Path, lag_ms: float, told: bool) -> None:
    """More than half a millisecond, and a tenth of the 2 ms of service, but not 2 ms."""
    built = trial()
    lag(lag_ms, service_ms=2)(built)

    _, summary = judged(tmp_path, built)

    assert told == any(caveat.code == "generator-lag" for caveat in summary.caveats)


def test_rule_that_crashes_passes_nothing_and_takes_no_report_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(one: Observed) -> str | None:
        raise KeyError(one.repetition)

    monkeypatch.setitem(validity._RULES, "no-such-luck", (crash, ""))

    line, _ = judged(tmp_path, trial())

    assert (line.state, line.rules) == ("invalid", ("no-such-luck",))
    assert line.reason == "the rule no-such-luck could not be applied (KeyError: 1)"


@pytest.mark.parametrize(("every_s", "state"), [(None, "invalid"), (0.1, "invalid"), (0.4, "completed")])
def test_cadence_of_readings_is_taken_from_the_record(tmp_path: Path, every_s: float | None, state: str) -> None:
    """10 late readings of 100 are more than a twentieth of 10 s, and less than that of 40 s."""
    built = trial()
    late(10, 500)(built)
    built.reading_every_s = every_s

    assert judged(tmp_path, built)[0].state == state


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        (MarkKind.PHASE_START, "no mark tells that warm-up began, and 1 more"),
        (MarkKind.PHASE_END, "no mark tells that warm-up ended, and 1 more"),
        (MarkKind.INJECT_DONE, "no mark tells that latency was injected in steady"),
        (MarkKind.HEAL_DONE, "no mark tells that latency was healed in steady"),
    ],
)
def test_what_was_planned_and_did_not_happen_is_missed(tmp_path: Path, lost: MarkKind, reason: str) -> None:
    steady = Phase(
        name="steady",
        duration_s=10,
        users=5,
        faults=(FaultSpec(kind="latency", at_s=2, duration_s=1, settings={"latency_ms": 5}),),
    )
    built = trial(CLOSED.model_copy(update={"phases": (WARM, steady)}))
    fault()(built)
    whole, _ = judged(tmp_path / "whole", built)
    built.marks = [mark for mark in built.marks if mark.kind is not lost]

    line, _ = judged(tmp_path / "lost", built)

    assert whole.state == "completed"
    assert (line.rules, line.reason) == (("course-incomplete",), reason)


def test_the_first_format_promised_no_marks(tmp_path: Path) -> None:
    built = trial()
    built.marks, built.version = [], 1

    assert judged(tmp_path, built)[0].state == "completed"
