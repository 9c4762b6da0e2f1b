"""A trial over time: bins of one length, gaps left open."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import MOST_BINS, DatabaseReading, GapReading, HostReading, Outcome, bin_length_ns
from reports.analyse import analyse
from reports.read import read_run
from reports.summary import Timeline
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, pool_reading, target_info, write_run


def timeline_of(tmp_path: Path, trial: TrialBuilder) -> Timeline:
    return analyse(read_run(write_run(tmp_path / "run", [trial]))).scenarios[0].targets[0].timelines[0]


def built(duration_s: float = 2.0) -> TrialBuilder:
    scenario = Scenario(name="plain", title="Plain", question="What?", phases=(one_phase(duration_s=duration_s),))
    trial = TrialBuilder(scenario, target_info("a"))
    trial.mark_phases()
    return trial


@pytest.mark.parametrize(
    ("length_s", "bin_ms"),
    [(0.05, 100), (12, 100), (40, 100), (40.1, 200), (80, 200), (3600, 12800)],  # 9 s would do: 0.1 s * 2^7
)
def test_bins_are_as_short_as_the_number_of_points_allows(length_s: float, bin_ms: int) -> None:
    assert bin_length_ns(ns(length_s)) == bin_ms * 1_000_000
    assert -(-ns(length_s) // bin_length_ns(ns(length_s))) <= MOST_BINS


def test_points_hold_what_was_sent_in_them(tmp_path: Path) -> None:
    trial = built()
    trial.requests += [Request("steady", 0.51, latency) for latency in (4, 6, 300)]
    trial.requests += [
        Request("steady", 0.52, 900, Outcome.FAILED, "x"),
        Request("steady", 0.53, 1, Outcome.ABORTED, "y"),
    ]

    points = timeline_of(tmp_path, trial).points

    assert [point.t_s for point in points] == pytest.approx([n / 10 for n in range(20)])
    assert (points[5].requests, points[5].failures) == (5, 1)
    assert (points[5].p50_ms, points[5].max_ms) == pytest.approx((6, 300), rel=1e-3)  # successes
    assert points[5].failure_max_ms == pytest.approx(900, rel=1e-3)
    assert points[5].p99_ms is None  # three requests have no p99
    assert (points[6].requests, points[6].p50_ms) == (0, None)


def test_coarse_bins_add_up_to_the_trial(tmp_path: Path) -> None:
    trial = built(duration_s=90)
    trial.requests += [Request("steady", t, 5) for t in range(90)]

    points = timeline_of(tmp_path, trial).points

    assert len(points) == 225  # 900 intervals in bins of 4
    assert sum(point.requests for point in points) == 90


def test_gauges_of_one_bin_are_joined_and_gaps_stay_open(tmp_path: Path) -> None:
    trial = built()
    trial.requests.append(Request("steady", 0.5, 5))
    trial.readings += [
        pool_reading(-0.5, 9),  # before the origin
        pool_reading(0.51, 7, opened_total=7),
        pool_reading(0.58, 4, opened_total=8),
        DatabaseReading(t_ns=ns(0.55), active=3, idle=1, idle_in_transaction=0, total=4),
        DatabaseReading(t_ns=ns(0.56), part="replica", active=30, idle=1, idle_in_transaction=0, total=40),
        GapReading(t_ns=ns(0.7), of="pool", reason="timed out"),
        HostReading(
            t_ns=ns(0.9), cpu_percent=40, steal_percent=0, ),
    ]  # fmt: skip

    first, second = timeline_of(tmp_path, trial).gauges

    assert (first.t_s, first.checked_out, first.opened_total, first.database_active) == (0.5, 7, 8, 3)
    assert first.host_cpu_percent is None
    assert (second.t_s, second.checked_out, second.host_cpu_percent) == (0.9, None, 40)


def test_phases_are_those_of_the_marks(tmp_path: Path) -> None:
    trial = built()
    trial.requests.append(Request("steady", 0.5, 5))

    assert timeline_of(tmp_path, trial).phases == (("steady", 0.0, 2.0),)
