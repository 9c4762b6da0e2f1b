"""The judgement of each check, on figures of a test's choosing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fidelity.base import Figure, NotMeasuredError, Verdict
from benchmarks.fidelity.checks import endurance, fault_timing, folder, freeze, loopback, pooled, recording, report
from benchmarks.fidelity.checks.freeze import Frozen, Seen
from benchmarks.fidelity.checks.recording import Cost, Costs
from benchmarks.fidelity.checks.round_trips import Result, truth
from benchmarks.fidelity.checks.round_trips import judge as judge_round_trips
from benchmarks.fidelity.duel import Duel, Round
from benchmarks.fidelity.prober import Order, moments_ns
from benchmarks.fidelity.prober import Seen as Probed
from benchmarks.fidelity.relay import Link, Turn, turns_within
from benchmarks.fidelity.synthetic import Shape, write_run
from benchmarks.fidelity.vegeta import Hit, parse_hits, response_times_ns
from harness.records import LATENCY_FILE, TRIALS_DIR, Measure, SeriesKey, decode_intervals, decode_reading
from harness.timeline import Action, fault_steps
from reports.analysis.round_trips import RoundTripEstimate

MS = 1_000_000
HOLDS, SHORT = Verdict.HOLDS, Verdict.FALLS_SHORT


def verdicts(figures: tuple[Figure, ...]) -> list[Verdict]:
    return [figure.verdict for figure in figures if figure.verdict is not None]


# --- vegeta ----------------------------------------------------------------------------------------------


def test_vegeta_s_log_is_read_in_the_order_of_sending() -> None:
    log = '2000,200,150,0,92,"",e30=,,1,GET,http://x/,\n1000,503,100,0,92,"a, b",e30=,,0,GET,http://x/,\n'
    assert [Hit(0, 1000, 100, 503), Hit(1, 2000, 150, 200)] == parse_hits(log)


def test_vegeta_s_response_time_counts_from_when_a_request_was_due() -> None:
    # 1,000/s from 5 ms on: the second was due at 6 ms and sent at 6.4 ms, the third at 7 ms, on time.
    hits = [Hit(0, 5 * MS, 100, 200), Hit(1, 6_400_000, 100, 200), Hit(2, 7 * MS, 100, 200)]
    assert [100, 400_100, 100] == response_times_ns(hits, 1000)


def test_both_times_are_held_against_vegeta_s_latency() -> None:
    theirs = (Round(0.1, 0.3, 0.6, 1.2),) * 5
    near = Duel((Round(0.2, 0.5, 0.3, 0.75),) * 5, theirs)
    late = Duel((Round(0.2, 0.5, 0.4, 0.9),) * 5, theirs)
    assert [HOLDS] * 4 == verdicts(loopback.judge(near))
    assert [HOLDS, HOLDS, SHORT, SHORT] == verdicts(loopback.judge(late))


def test_a_pooled_target_is_judged_in_per_cent() -> None:
    duel = Duel((Round(4.2, 12.5, 4.3, 14.0),) * 5, (Round(4.0, 12.0, 5.0, 13.0),) * 5)
    apart = Duel((Round(9.0, 90.0, 9.0, 90.0),) * 5, duel.theirs)  # by turns nothing is judged
    assert [HOLDS, HOLDS, HOLDS, SHORT] == verdicts(pooled.judge(duel, apart, 500, 250))


def test_capacity_is_the_best_step_of_a_ladder_that_has_its_best_behind_it() -> None:
    assert 300.0 == pooled.capacity({"users-10": 400, "users-20": 600, "users-40": 580}, 2.0)
    with pytest.raises(NotMeasuredError, match="lengthen"):
        pooled.capacity({"users-10": 400, "users-20": 600}, 2.0)


# --- freeze ----------------------------------------------------------------------------------------------


def test_a_freeze_is_predicted_from_when_requests_were_due() -> None:
    # 10/s for 20 s are 200 requests; a freeze of a second meets ten, that wait 1.0, 0.9 .. 0.1 s. Nine of them are
    # over 100 ms and, with the usual 2 ms, the tenth too. The 198th smallest of 200 is the third largest.
    seen = freeze.predict(10, 20, (5.0, 6.0), usual_ms=2.0)
    assert pytest.approx((802.0, 0.05)) == (seen.p99_ms, seen.share)


def test_those_who_waited_for_the_freeze_to_end_wait_for_one_another() -> None:
    # Ten of 200 requests wait 1.0, 0.9 .. 0.1 s for the end and then, at 5 ms each, 50 ms for one another and the
    # next, which is due just then. The third longest waits 800 + 50 ms, and takes 7. All ten are above 100 ms.
    seen = freeze.predict(10, 20, (5.0, 6.0), usual_ms=7.0, busy_ms=5.0)
    assert pytest.approx((857.0, 10 / 200)) == (seen.p99_ms, seen.share)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ([0.0, 5.0, 9.0], [1.0, 6.0, 10.0]),  # never two at once
        ([0.0, 0.0, 0.0], [3.0, 3.0, 3.0]),
        ([0.0, 0.5], [1.5, 2.0]),  # alone for 0.5, both at half speed for 1, then alone again
        ([], []),
    ],
)
def test_requests_share_a_server_evenly(begins: list[float], ends: list[float]) -> None:
    assert pytest.approx(ends) == freeze.served_side_by_side(begins, 1.0)


def test_no_freeze_is_predicted_as_the_usual() -> None:
    assert Seen(2.0, 0.0) == freeze.predict(10, 20, (5.0, 5.0), usual_ms=2.0)


def test_the_record_has_to_show_the_freeze_and_closed_users_not_to() -> None:
    predicted = Seen(800.0, 0.04)
    shown = Frozen(Seen(820.0, 0.041), Seen(820.0, 0.041), predicted)
    hidden = Frozen(Seen(3.0, 0.008), Seen(3.0, 0.008), predicted)
    assert [HOLDS] * 4 == verdicts(freeze.judge("it", [shown], [hidden]))
    assert [SHORT] * 4 == verdicts(freeze.judge("it", [hidden], [shown]))


# --- costs -----------------------------------------------------------------------------------------------


def test_recording_may_cost_a_tenth_of_the_rate_and_thirty_microseconds() -> None:
    def costs(rate: float, cpu_us: float) -> Costs:
        ours = [Cost(rate, 95)], [Cost(1000, cpu_us, 6)]
        return Costs(
            *([Cost(1000, 90)], [Cost(1500, 70)], ours[0]),
            *([Cost(1000, 130)], [Cost(1000, 80)], ours[1]),
            arrivals=[Cost(1000, 290)],
        )

    assert [HOLDS] * 3 == verdicts(recording.judge(costs(905, 109)))
    # The processor time over the same users is the harder to keep, as their client is leaner.
    assert [HOLDS, HOLDS, SHORT] == verdicts(recording.judge(costs(905, 111)))
    assert [SHORT, SHORT, SHORT] == verdicts(recording.judge(costs(895, 161)))


def test_memory_grows_from_where_it_had_settled() -> None:
    samples = [endurance.Sample(float(t_s), 50.0 if t_s < 10 else 100.0 + t_s / 10) for t_s in range(0, 100)]
    # Settled: the median of 101.0, 101.1 and 101.2; most: 109.9.
    assert pytest.approx(100 * (109.9 / 101.1 - 1)) == endurance.growth_percent(samples, 10)
    with pytest.raises(NotMeasuredError, match="samples"):
        endurance.growth_percent(samples[:12], 10)


def test_a_folder_that_grows_with_requests_falls_short() -> None:
    slow, longer = folder.Size(1000, 10_000, 30_000), folder.Size(2000, 20_000, 60_000)
    assert [HOLDS] == verdicts(folder.judge(slow, folder.Size(10_000, 19_000, 40_000), longer))
    assert [SHORT] == verdicts(folder.judge(slow, folder.Size(10_000, 90_000, 120_000), longer))


def test_only_one_shape_of_run_is_judged() -> None:
    one, other = Shape(1, 10, 100), Shape(1, 100, 10)
    compiled = {one: [report.Compiled(2.9, 310.0)], other: [report.Compiled(30.0, 900.0)]}
    assert [HOLDS, SHORT, SHORT, SHORT] == verdicts(report.judge(compiled))


def test_a_synthetic_run_holds_as_many_requests_as_its_shape_says(tmp_path: Path) -> None:
    shape = Shape(trials=4, duration_s=3, rate_per_s=50)
    run = write_run(tmp_path / "run", shape, seed=1)
    trials = sorted((run / TRIALS_DIR).iterdir())
    counted = dict.fromkeys(Measure, 0)
    for trial in trials:
        with (trial / LATENCY_FILE).open() as log:
            for interval in decode_intervals(log):
                counted[interval.key.measure] += interval.histogram.get_total_count()
        assert all(decode_reading(line) for line in (trial / "readings.jsonl").read_text().splitlines())
    assert 600 == shape.requests
    assert dict.fromkeys(Measure, 600) == counted
    assert isinstance(SeriesKey.from_tag("steady;read_user;ok;-;response"), SeriesKey)


# --- round trips -----------------------------------------------------------------------------------------


def test_a_turn_is_complete_when_the_server_answers_what_was_asked() -> None:
    link = Link()
    link.client_spoke(1)
    link.client_spoke(2)  # the rest of the same question
    assert Turn(1, 5) == link.server_spoke(5)
    assert None is link.server_spoke(6)  # the rest of the same answer


def test_turns_that_end_after_the_answer_were_not_waited_for() -> None:
    turns = [Turn(0, 4), Turn(11, 15), Turn(16, 19), Turn(18, 24)]
    assert 2 == turns_within(turns, 10, 20)


def test_the_truth_is_what_nearly_all_requests_needed() -> None:
    assert 3 == truth([3] * 9 + [4])
    with pytest.raises(NotMeasuredError, match="differ"):
        truth([3, 4, 3, 4])


def test_a_slope_is_judged_by_its_distance_from_the_truth() -> None:
    def result(slope: float) -> Result:
        return Result(RoundTripEstimate(slope, slope - 0.1, slope + 0.1, 2.0), 15, (3,) * 5)

    assert [HOLDS, SHORT] == verdicts(judge_round_trips({"near": result(3.25), "far": result(3.35)}))


# --- faults ----------------------------------------------------------------------------------------------

STEPS = fault_steps(fault_timing.scenario_of(1))
"""proxy-down injected and healed, then latency injected and healed."""


def probed(at_ms: float, reach: str, took_ms: float = 0.5) -> Probed:
    """A probe that was over `took_ms` after `at_ms`."""
    return Probed(round(at_ms * MS), round((at_ms + took_ms) * MS), reach, took_ms)


@pytest.mark.parametrize(
    ("index", "action", "probes", "effect_ms"),
    [
        (0, Action.INJECT, [probed(99, "answered"), probed(101, "closed"), probed(102, "refused", 0.2)], 102.2),
        (1, Action.HEAL, [probed(101, "refused"), probed(103, "answered", 1.0)], 104.0),
        (2, Action.INJECT, [probed(100, "answered", 1.0), probed(102, "answered", 13.0)], 103.0),
        (3, Action.HEAL, [probed(98, "answered", 12.5), probed(101, "answered", 2.0)], 103.0),
        (0, Action.INJECT, [probed(101, "answered"), probed(500, "refused")], None),
    ],
)
def test_a_step_has_happened_when_the_first_probe_shows_it(
    index: int, action: Action, probes: list[Probed], effect_ms: float | None
) -> None:
    assert action is STEPS[index].action
    found = fault_timing.effect_at_ns(STEPS[index], 100 * MS, probes)
    assert effect_ms == (None if found is None else found / MS)


def test_a_step_that_no_probe_saw_falls_short() -> None:
    def late(unseen: bool) -> list[fault_timing.Late]:
        last = None if unseen else 3.0
        return [
            fault_timing.Late("proxy-down", Action.INJECT, 2.0),
            fault_timing.Late("proxy-down", Action.HEAL, 3.0),
            fault_timing.Late("latency", Action.HEAL, last),
        ]

    assert [HOLDS] * 3 == verdicts(fault_timing.judge(late(unseen=False)))
    assert SHORT in verdicts(fault_timing.judge(late(unseen=True)))


def test_steps_are_matched_with_the_probes_around_them() -> None:
    planned_ms = [step.at_ns / MS for step in STEPS]
    probes = [
        probed(planned_ms[0] + 1, "refused"),
        probed(planned_ms[1] + 2, "answered"),
        probed(planned_ms[2] + 3, "answered", 12.5),
        probed(planned_ms[3] + 4, "answered", 0.5),
    ]
    late = fault_timing.lateness(STEPS, 0, probes)
    assert [1.5, 2.5, 3.5, 4.5] == [step.late_ms for step in late]


def test_probes_are_dense_around_the_planned_moment_and_sparse_later() -> None:
    order = Order("127.0.0.1", 1, [], lead_ns=2, tail_ns=14, dense_ns=4, every_ns=1)
    assert [98, 99, 100, 101, 102, 103, 104, 109] == moments_ns(order, 100)


def test_so_many_injections_as_a_whole_run_times_make_a_scenario() -> None:
    scenario = fault_timing.scenario_of(fault_timing.INJECTIONS)
    assert {fault_timing.INJECTIONS} == {len(phase.faults) for phase in scenario.phases}
