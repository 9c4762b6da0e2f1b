"""Where the time goes, what a request costs, how long connections are held, and round trips by slope."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from harness.records import HostReading, MarkKind, Outcome, TimesReading
from reports.analyse import analyse
from reports.analysis.latency_ladder import rungs
from reports.read import read_run
from reports.summary import Breakdown, Counts, Summary, TargetResult
from scenarios.model import FaultSpec, Phase, Scenario
from tests.unit.reports.builder import (
    Request,
    TrialBuilder,
    ns,
    one_phase,
    pool_reading,
    target_info,
    write_run,
)

PLAIN = Scenario(
    name="plain",
    title="Plain",
    question="?",
    phases=(Phase(name="warm-up", duration_s=1, users=1, warmup=True), one_phase(duration_s=4)),
)


def trial(scenario: Scenario = PLAIN, repetition: int = 1) -> TrialBuilder:
    built = TrialBuilder(scenario, target_info("a"), repetition)
    built.mark_phases()
    return built


def summary_of(path: Path, *built: TrialBuilder) -> Summary:
    return analyse(read_run(write_run(path / "run", list(built))))


def target_of(path: Path, *built: TrialBuilder) -> TargetResult:
    return summary_of(path, *built).scenarios[0].targets[0]


# --- breakdown -------------------------------------------------------------------------------------------


def breakdown(path: Path, *built: TrialBuilder, operation: str = "all") -> Breakdown:
    found = target_of(path, *built).breakdowns
    return next(one for one in found if (one.phase, one.operation) == ("steady", operation))


def timed(latency_ms: float, **parts: Any) -> Request:
    """A request that was sent 0.5 ms late and spent 6 ms on a checkout."""
    usual = {"acquire_ms": 6.0, "connect_ms": 3.0, "ping_ms": 2.0, "query_ms": 4.0}
    return Request("steady", 2.0, latency_ms, service_ms=latency_ms - 0.5, **{**usual, **parts})


def test_parts_of_the_mean(tmp_path: Path) -> None:
    """20 ms from the intended send: 0.5 late, 6 of checkout (1 queue, 3 connect, 2 ping), 4 query, 9.5 rest."""
    built = trial()
    built.requests += [timed(20)] * 30

    found = breakdown(tmp_path, built)

    parts = (found.lag_ms, found.queue_ms, found.connect_ms, found.ping_ms, found.query_ms, found.rest_ms)
    assert parts == pytest.approx((0.5, 1, 3, 2, 4, 9.5), abs=0.02)
    assert sum(parts) == pytest.approx(found.mean_ms, abs=1e-9)
    assert (found.requests, found.believed_share) == (30, 1)


def test_each_part_has_a_median_and_its_interval_over_repetitions(tmp_path: Path) -> None:
    first, second = trial(), trial(repetition=2)
    first.requests += [timed(20)] * 30
    second.requests += [timed(20, acquire_ms=8.0)] * 31

    found = {part.of: part for part in breakdown(tmp_path, first, second).parts}

    assert {"acquire", "connect", "ping", "query"} == set(found)
    acquire = found["acquire"]
    assert acquire.count == 61
    assert acquire.p50_ms == pytest.approx(8, rel=0.01)
    assert acquire.p50_interval is not None
    assert (6, 8) == pytest.approx((acquire.p50_interval.low, acquire.p50_interval.high), rel=0.01)
    assert [3, 2, 4] == pytest.approx([found[of].p50_ms for of in ("connect", "ping", "query")], rel=0.01)


def test_a_part_of_fewer_than_five_requests_has_no_median(tmp_path: Path) -> None:
    built = trial()
    built.requests += [timed(20)] * 4

    assert {None} == {part.p50_ms for part in breakdown(tmp_path, built).parts}


def test_parts_are_meaned_over_all_requests(tmp_path: Path) -> None:
    """One request in ten opens a connection in 30 ms; the others take no time to connect."""
    built = trial()
    built.requests += [timed(50, acquire_ms=33, connect_ms=30)] * 3
    built.requests += [timed(20, acquire_ms=3, connect_ms=0)] * 27

    found = breakdown(tmp_path, built)

    assert (found.connect_ms, found.queue_ms) == pytest.approx((3, 1), abs=0.02)


def test_part_that_is_never_named_took_no_time(tmp_path: Path) -> None:
    built = trial()
    built.requests += [timed(20, ping_ms=0, connect_ms=0)] * 10

    found = breakdown(tmp_path, built)

    assert (found.connect_ms, found.ping_ms) == (0, 0)
    assert found.queue_ms == pytest.approx(6, abs=0.01)


def test_breakdown_rests_on_believed_headers_and_says_on_how_many(tmp_path: Path) -> None:
    built = trial()
    built.requests += [timed(20)] * 30
    built.requests += [timed(20, acquire_ms=None)] * 10

    summary = summary_of(tmp_path, built)
    found = next(b for b in summary.scenarios[0].targets[0].breakdowns if b.operation == "all")

    assert (found.requests, found.believed_share) == (40, 0.75)
    assert found.query_ms == pytest.approx(4, abs=0.01)
    (caveat,) = (caveat for caveat in summary.caveats if caveat.code == "server-timing-untrusted")
    assert "up to 25 % of the successes" in caveat.text


def test_without_server_timing_there_is_no_breakdown(tmp_path: Path) -> None:
    built = trial()
    built.requests += [timed(20, acquire_ms=None)] * 30

    summary = summary_of(tmp_path, built)

    assert summary.scenarios[0].targets[0].breakdowns == ()
    assert "server-timing-absent" in {caveat.code for caveat in summary.caveats}


def test_failures_are_in_no_breakdown(tmp_path: Path) -> None:
    built = trial()
    built.requests += [timed(20)] * 30
    built.requests += [timed(900, outcome=Outcome.FAILED, kind="database-unavailable")] * 30

    assert breakdown(tmp_path, built).mean_ms == pytest.approx(20, rel=1e-3)


def test_each_operation_has_a_breakdown_of_its_own(tmp_path: Path) -> None:
    built = trial()
    built.requests += [timed(20)] * 30 + [timed(40, operation="write", query_ms=24)] * 30

    found = [one for one in target_of(tmp_path, built).breakdowns if one.phase == "steady"]

    assert [one.operation for one in found] == ["all", "read", "write"]
    assert [one.query_ms for one in found] == pytest.approx([14, 4, 24], rel=1e-3)


# --- counts ----------------------------------------------------------------------------------------------


def counted(repetition: int = 1, statements: int = 300) -> TrialBuilder:
    """100 requests in the load, after 10 before it; two connections opened in it, a ping for each checkout."""
    built = trial(repetition=repetition)
    built.requests += [Request("steady", 2.0, 20)] * 80
    built.requests += [Request("steady", 2.0, 20, Outcome.FAILED, "database-unavailable")] * 20
    built.requests += [Request("steady", 2.0, 20, Outcome.ABORTED, "aborted")] * 5
    before = {"requests_total": 10, "checkouts_total": 10, "statements_total": 40, "pings_total": 8}
    end = {"requests_total": 110, "checkouts_total": 110, "statements_total": 40 + statements, "pings_total": 108}
    built.readings += [
        pool_reading(-0.1, 0, opened_total=5, **before),
        pool_reading(0.5, 1, opened_total=6, **{**before, "requests_total": 20}),
    ]
    built.pool_at_end = pool_reading(6, 0, opened_total=7, invalidated_total=1, **end)
    built.cpu_s = {"app": 0.5, "generator": 0.2, "proxy": 0.1, "primary": 0.0}
    return built


def per_request(counts: Counts | None, name: str) -> float | None:
    found = getattr(counts, name)
    return None if found is None else found.per_request


def test_counts_are_of_the_load_alone_and_for_each_request(tmp_path: Path) -> None:
    counts = target_of(tmp_path, counted()).counts

    assert counts is not None
    assert counts.requests == 100
    expected = {"statements": 3.0, "checkouts": 1.0, "opened": 0.02, "invalidated": 0.01, "pings": 1.0}
    assert {name: per_request(counts, name) for name in expected} == expected


def test_processor_time_is_for_each_request_that_ended(tmp_path: Path) -> None:
    """0.5 s over 100 requests, the five aborted ones left out; a database elsewhere was not watched."""
    counts = target_of(tmp_path, counted()).counts

    assert per_request(counts, "target_cpu_ms") == pytest.approx(5)
    assert per_request(counts, "proxy_cpu_ms") == pytest.approx(1)
    assert per_request(counts, "database_cpu_ms") is None


def test_counts_of_repetitions_have_an_interval(tmp_path: Path) -> None:
    counts = target_of(tmp_path, counted(1, 300), counted(2, 320)).counts

    assert counts is not None
    assert counts.statements is not None
    assert counts.statements.interval is not None
    assert counts.statements.per_request == 3.1
    assert (counts.statements.interval.low, counts.statements.interval.high) == (3.0, 3.2)


def test_older_run_counts_processor_time_from_host_readings(tmp_path: Path) -> None:
    built = trial()
    built.requests += [Request("steady", 2.0, 20)] * 100
    usual = {"cpu_percent": 10, "steal_percent": 0}
    built.readings += [
        HostReading.model_validate({"t_ns": ns(t_s), "cpu_s": {"app": spent_s}, **usual})
        for t_s, spent_s in ((-0.1, 1.0), (2.0, 1.2), (5.0, 1.4))
    ]
    built.pool_at_end = pool_reading(6, 0)

    counts = target_of(tmp_path, built).counts

    assert per_request(counts, "target_cpu_ms") == pytest.approx(4)
    assert (per_request(counts, "statements"), per_request(counts, "transactions")) == (None, None)


def test_nothing_recorded_means_no_counts(tmp_path: Path) -> None:
    built = trial()
    built.requests.append(Request("steady", 2.0, 20))

    assert target_of(tmp_path, built).counts is None


# --- held ------------------------------------------------------------------------------------------------


def times(of: Literal["held", "release"], p50_ms: float | None, max_ms: float | None, count: int) -> TimesReading:
    return TimesReading(
        t_ns=ns(5), phase="steady", of=of, count=count, p50_ms=p50_ms, p90_ms=p50_ms, p99_ms=p50_ms, max_ms=max_ms
    )


def test_held_times_are_the_median_over_repetitions(tmp_path: Path) -> None:
    built = []
    for repetition, (p50_ms, max_ms) in enumerate(((2.0, 9.0), (3.0, 30.0), (10.0, 12.0)), start=1):
        one = trial(repetition=repetition)
        one.readings += [times("held", p50_ms, max_ms, 10), times("release", 0.1, 0.2, 10)]
        built.append(one)

    held, release = target_of(tmp_path, *built).held

    assert (held.of, held.count, held.p50_ms, held.max_ms, held.repetitions) == ("held", 30, 3.0, 30.0, 3)
    assert held.p50_interval is not None
    assert (release.of, release.p50_ms) == ("release", 0.1)


def test_nothing_returned_has_no_times(tmp_path: Path) -> None:
    one = trial()
    one.readings.append(times("held", None, None, 0))

    (held,) = target_of(tmp_path, one).held

    assert (held.count, held.p50_ms, held.max_ms, held.p50_interval) == (0, None, None, None)


# --- round trips -----------------------------------------------------------------------------------------


def rung(latency_ms: int, **settings: int) -> Phase:
    fault = FaultSpec(kind="latency", at_s=0, duration_s=1.8, settings={"latency_ms": latency_ms, **settings})
    return Phase(name=f"latency-{latency_ms}", duration_s=2, users=1, faults=(fault,) if latency_ms else ())


LADDER = Scenario(name="ladder", title="Ladder", question="?", phases=tuple(map(rung, (0, 4, 8))))


def climbed(trips: int = 3, repetition: int = 1) -> TrialBuilder:
    """5 ms and so many round trips; what is sent after the healing takes 5 ms again, and must not count."""
    built = trial(LADDER, repetition)
    starts_s = 0.0
    for phase in LADDER.phases:
        for fault in phase.faults:
            built.mark_fault(
                f"{phase.name}/1:latency", planned_s=starts_s, heal_planned_s=starts_s + fault.duration_s
            )
        latency_ms = 5.0 + trips * sum(int(fault.settings["latency_ms"]) for fault in phase.faults)
        built.requests += [Request(phase.name, starts_s + 0.5, latency_ms)] * 30
        if phase.faults:
            built.requests += [Request(phase.name, starts_s + 1.9, 5.0)] * 90
        starts_s += phase.duration_s
    return built


def test_round_trips_are_the_slope_of_p50(tmp_path: Path) -> None:
    (found,) = target_of(tmp_path, climbed(1, 1), climbed(1, 2)).round_trips

    assert found.operation == "read"
    assert (found.slope, found.intercept_ms) == pytest.approx((1, 5), abs=0.02)
    assert found.low <= found.slope <= found.high
    points = [(p.phase, p.repetition, p.latency_ms, round(p.p50_ms, 1), p.requests) for p in found.points]
    assert points[:3] == [
        ("latency-0", 1, 0.0, 5.0, 30),
        ("latency-4", 1, 4.0, 9.0, 30),
        ("latency-8", 1, 8.0, 13.0, 30),
    ]
    assert len(points) == 6


def test_more_round_trips_make_a_steeper_slope(tmp_path: Path) -> None:
    (found,) = target_of(tmp_path, climbed(7)).round_trips

    assert found.slope == pytest.approx(7, abs=0.02)


def test_fault_that_was_never_injected_gives_no_point(tmp_path: Path) -> None:
    built = climbed()
    built.conformance = ()
    faulty = (
        MarkKind.INJECT_BEGIN,
        MarkKind.INJECT_DONE,
        MarkKind.HEAL_BEGIN,
        MarkKind.HEAL_DONE,
        MarkKind.PROVED,
    )
    built.marks = [mark for mark in built.marks if mark.kind not in faulty]

    assert target_of(tmp_path, built).round_trips == ()


@pytest.mark.parametrize(
    "phases",
    [
        (rung(0), rung(4)),  # two latencies
        (rung(0), rung(4), rung(8, jitter_ms=2)),
        (one_phase("a"), one_phase("b"), one_phase("c")),  # no latency at all
        (rung(0), rung(4), rung(8).model_copy(update={"warmup": True})),
    ],
)
def test_not_every_scenario_is_a_ladder_of_latencies(phases: tuple[Phase, ...]) -> None:
    assert rungs(LADDER.model_copy(update={"phases": phases})) == {}


def test_rungs_are_known_by_phase() -> None:
    assert rungs(LADDER) == {"latency-0": 0.0, "latency-4": 4.0, "latency-8": 8.0}


# --- fault windows of all repetitions --------------------------------------------------------------------


def faulty(repetition: int, steady_from_s: float | None) -> TrialBuilder:
    """A fault from 2 to 3 s; requests every 100 ms fail from 2 s until they succeed again."""
    built = trial(repetition=repetition)
    built.mark_fault("steady/1:proxy-down", planned_s=2, heal_planned_s=3)
    for step in range(10, 50):
        sent_s = step / 10
        down = sent_s >= 2 and (steady_from_s is None or sent_s < steady_from_s)
        ended = (Outcome.FAILED, "database-unavailable") if down else (Outcome.OK, "-")
        built.requests.append(Request("steady", sent_s, 10, *ended))
    return built


def test_fault_windows_are_summed_up_over_repetitions(tmp_path: Path) -> None:
    (found,) = target_of(tmp_path, faulty(1, 3.1), faulty(2, 3.3), faulty(3, 3.8)).fault_summaries

    assert (found.phase, found.kind, found.windows, found.repetitions) == ("steady", "proxy-down", 3, 3)
    assert (found.requests, found.failure.count, found.success.count, found.error_share) == (30, 30, 0, 1)
    assert found.recovered == 3
    recovery_ms = (found.recovery_min_ms, found.recovery_median_ms, found.recovery_max_ms)
    assert recovery_ms == pytest.approx((100, 300, 800))


def test_recovery_that_never_came_is_counted(tmp_path: Path) -> None:
    (found,) = target_of(tmp_path, faulty(1, 3.1), faulty(2, None)).fault_summaries

    assert (found.windows, found.recovered) == (2, 1)
    assert found.recovery_max_ms == pytest.approx(100)
