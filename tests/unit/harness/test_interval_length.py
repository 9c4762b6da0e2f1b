"""How long the intervals of response times are."""

from __future__ import annotations

import pytest

from harness.records import INTERVAL_NS, bin_length_ns, reading_every_s, response_interval_ns
from harness.records.latency import MOST_TICKS
from scenarios.model import Arrivals, FaultSpec, Phase, Scenario
from scenarios.registry import SCENARIOS


def lasting(*phases_s: float, warmup_s: float = 1.0, fault: bool = False, fault_s: float = 0.5) -> Scenario:
    faults = (FaultSpec(kind="timeout", at_s=0.0, duration_s=fault_s),) if fault else ()
    phases = [
        Phase(name=f"phase-{number}", duration_s=duration_s, arrivals=Arrivals(rate_per_s=1), faults=faults)
        for number, duration_s in enumerate(phases_s)
    ]
    warm_up = Phase(name="warm-up", duration_s=warmup_s, arrivals=Arrivals(rate_per_s=1), warmup=True)
    return Scenario(name="some", title="Some", question="How long?", phases=(warm_up, *phases))


@pytest.mark.parametrize(
    ("scenario", "intervals"),
    [
        (lasting(4), 1),
        (lasting(39, warmup_s=1.0), 1),  # 400 bins of 0.1 s
        (lasting(39, warmup_s=1.1), 2),
        (lasting(79, warmup_s=1.0), 2),
        (lasting(79, warmup_s=1.1), 4),
        (lasting(834, warmup_s=6.0), 32),  # 840 s / 400 = 2.1 s
        (lasting(834, fault=True), 1),
        (lasting(834, 10), 2),  # the short phase gets 50 of 0.2 s
        (lasting(834, warmup_s=1.0), 32),  # a warm-up counts for nothing
    ],
)
def test_intervals_are_long_only_where_nothing_is_cut_out_of_them(scenario: Scenario, intervals: int) -> None:
    assert intervals * INTERVAL_NS == response_interval_ns(scenario)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@pytest.mark.parametrize("factor", [1, 7.3, 60])
def test_a_charts_bin_is_made_of_whole_intervals(name: str, factor: float) -> None:
    scenario = SCENARIOS[name].scaled(factor)
    for length_s in (scenario.duration_s, scenario.duration_s + 0.05):
        assert 0 == bin_length_ns(round(length_s * 1e9)) % response_interval_ns(scenario)


@pytest.mark.parametrize(
    ("duration_s", "every_s"),
    [(60, 0.1), (1_100, 0.1), (3_600, 0.4), (10 * 3_600, 3.2), (86_000, 12.8)],
)
def test_gauges_of_a_long_faulted_trial_are_read_less_often(duration_s: float, every_s: float) -> None:
    scenario = lasting(duration_s, fault=True)
    assert reading_every_s(scenario) == pytest.approx(every_s)
    assert duration_s / reading_every_s(scenario) <= MOST_TICKS
    assert response_interval_ns(scenario) == INTERVAL_NS


@pytest.mark.parametrize(
    ("duration_s", "fault_s", "intervals"),
    [(3_900, 600, 1), (4_100, 600, 2), (86_000, 600, 32), (86_000, 60, 16), (86_000, 3, 1)],
)
def test_intervals_of_a_very_long_faulted_trial_are_longer_as_far_as_its_faults_allow(
    duration_s: float, fault_s: float, intervals: int
) -> None:
    scenario = lasting(duration_s, fault=True, fault_s=fault_s)
    assert intervals * INTERVAL_NS == response_interval_ns(scenario)
    assert 0 == bin_length_ns(round(scenario.duration_s * 1e9)) % response_interval_ns(scenario)
