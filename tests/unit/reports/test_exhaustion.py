"""The ladder: its steps, where it began to hurt, and what the pool showed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records import DatabaseReading, GeneratorReading, Outcome
from reports.analyse import analyse
from reports.analysis.exhaustion import ladder
from reports.read import read_run
from reports.summary import Exhaustion
from scenarios import exhaustion_open
from scenarios.model import Arrivals, Phase, Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, pool_reading, target_info, write_run


def steps(*users: int, warmup: int = 2) -> Scenario:
    phases = [Phase(name=f"users-{count}", duration_s=1.0, users=count, behaviour="holder") for count in users]
    warm = Phase(name="warm-up", duration_s=1.0, users=warmup, behaviour="holder", warmup=True)
    return Scenario(name="ladder", title="Ladder", question="How many?", phases=(warm, *phases))


def arriving(*rates_per_s: float, process: str = "constant") -> Scenario:
    """A ladder of arrivals; a ramp's rate is not the same throughout, so that it makes no step."""
    end = {"to_rate_per_s": 500.0} if process == "ramp" else {}
    phases = tuple(
        Phase(
            name=f"rate-{rate:g}",
            duration_s=1.0,
            arrivals=Arrivals.model_validate({"process": process, "rate_per_s": rate, **end}),
        )
        for rate in rates_per_s
    )
    return Scenario(name="open-ladder", title="Open ladder", question="How many?", phases=phases)


def generator_reading(t_s: float, phase: str, in_flight: int) -> GeneratorReading:
    return GeneratorReading(
        t_ns=ns(t_s),
        phase=phase,
        users=0,
        in_flight=in_flight,
        started_total=0,
        completed_total=0,
        not_started_total=0,
        late_max_ms=0.1,
    )


def climb(path: Path, outcomes: dict[int, tuple[int, int, int]], *, limit: int | None = 30) -> Exhaustion:
    """`outcomes`: users -> successes, refusals and failures in that second; the pool is out up to its limit."""
    scenario = steps(*outcomes)
    trial = TrialBuilder(scenario, target_info("a"))
    trial.mark_phases()
    most = 0
    for index, (users, (ok, refused, failed)) in enumerate(outcomes.items(), start=1):
        name = f"users-{users}"
        trial.requests += [Request(name, index + 0.21, 500)] * ok
        trial.requests += [Request(name, index + 0.21, 100, Outcome.REFUSED, "pool-exhausted")] * refused
        trial.requests += [Request(name, index + 0.21, 50, Outcome.UNKNOWN, "connection-reset")] * failed
        out = users if limit is None else min(users, limit)
        most = max(most, out)
        trial.readings.append(pool_reading(index + 0.5, out - 1, limit=limit, checked_out_max=most))
    found = analyse(read_run(write_run(path / "run", [trial]))).scenarios[0].targets[0].exhaustion
    assert found is not None
    return found


def test_onset_is_the_first_step_with_refusals(tmp_path: Path) -> None:
    found = climb(tmp_path, {10: (20, 0, 0), 20: (40, 0, 0), 40: (60, 12, 1), 80: (60, 90, 0)})

    assert (found.onset_phase, found.onset_offered, found.onset_sign) == ("users-40", 40, "refusals")
    assert [(s.offered, s.refused, s.failed) for s in found.steps] == [
        (10, 0, 0), (20, 0, 0), (40, 12, 1), (80, 90, 0),
    ]  # fmt: skip
    assert [s.completed_per_s for s in found.steps] == pytest.approx([20, 40, 60, 60])
    assert found.saturation_offered == 80  # 60 -> 60 per second
    assert found.steps[2].success.p50_ms == pytest.approx(500, rel=1e-3)


def test_largest_number_out_is_the_pools_own_mark_where_it_rose(tmp_path: Path) -> None:
    found = climb(tmp_path, {10: (1, 0, 0), 30: (1, 0, 0), 40: (1, 0, 0)})

    # Each gauge reads one less than the mark. At 40 users the mark of 30 is that of the step before.
    assert [step.checked_out_max for step in found.steps] == [9, 30, 29]
    assert (found.checked_out_max, found.limit) == (30, 30)


def test_sessions_are_those_on_the_primary_and_not_on_a_replica_beside_it(tmp_path: Path) -> None:
    trial = TrialBuilder(steps(10, 20, 30), target_info("a"))
    trial.mark_phases()
    for part, total in (("primary", 12), ("replica", 50)):
        reading = DatabaseReading(
            t_ns=ns(1.5), part=part, active=0, idle=total, idle_in_transaction=0, total=total
        )
        trial.readings.append(reading)
    found = analyse(read_run(write_run(tmp_path / "run", [trial]))).scenarios[0].targets[0].exhaustion

    assert found is not None
    assert found.sessions_max == 12


def test_failures_without_a_pool_are_told_apart(tmp_path: Path) -> None:
    found = climb(tmp_path, {10: (20, 0, 0), 50: (90, 0, 0), 110: (95, 0, 9)}, limit=None)

    assert (found.onset_offered, found.onset_sign, found.limit) == (110, "failures", None)


def test_ladder_without_trouble_has_no_onset(tmp_path: Path) -> None:
    found = climb(tmp_path, {1: (2, 0, 0), 2: (4, 0, 0), 3: (6, 0, 0)})

    assert (found.onset_phase, found.onset_offered, found.onset_sign) == (None, None, "none")
    assert found.saturation_offered is None


@pytest.mark.parametrize(
    ("scenario", "length"),
    [
        (steps(10, 20, 30), 3),
        (steps(10, 20), 0),
        (steps(10, 30, 20), 0),
        (steps(5, 6, 7, 8, warmup=99), 4),
        (Scenario(name="open", title="Open", question="?", phases=(one_phase(),)), 0),
        (arriving(10, 20, 30), 3),
        (arriving(10, 20, 30, process="poisson"), 3),
        (arriving(10, 20), 0),
        (arriving(20, 250, 30), 0),
        (arriving(10, 20, 30, process="ramp"), 0),
        (exhaustion_open.SCENARIO, len(exhaustion_open.RATES_PER_S)),
    ],
)
def test_ladder_is_three_or_more_phases_of_rising_users_or_arrivals(scenario: Scenario, length: int) -> None:
    assert len(ladder(scenario)) == length


def test_scenario_without_ladder_has_no_exhaustion(tmp_path: Path) -> None:
    scenario = Scenario(name="open", title="Open", question="?", phases=(one_phase(),))
    trial = TrialBuilder(scenario, target_info("a"))
    trial.mark_phases()

    assert analyse(read_run(write_run(tmp_path / "run", [trial]))).scenarios[0].targets[0].exhaustion is None


def test_steps_of_an_open_ladder_are_rates_beside_the_requests_in_flight(tmp_path: Path) -> None:
    trial = TrialBuilder(arriving(10, 20, 40), target_info("a"))
    trial.mark_phases()
    for index, rate in enumerate((10, 20, 40)):
        trial.requests += [Request(f"rate-{rate}", index + 0.21, 500)] * min(rate, 20)
        trial.requests += [Request(f"rate-{rate}", index + 0.21, 100, Outcome.REFUSED, "pool-exhausted")] * (
            rate // 40
        )
        trial.readings += [
            generator_reading(index + at_s, phase=f"rate-{rate}", in_flight=in_flight)
            for at_s, in_flight in ((0.2, 1), (0.5, rate // 2), (0.8, 2))
        ]
    found = analyse(read_run(write_run(tmp_path / "run", [trial]))).scenarios[0].targets[0].exhaustion
    assert found is not None
    assert [(10, 5), (20, 10), (40, 20)] == [(step.offered, step.in_flight_max) for step in found.steps]
    assert ("per_s", 40, "refusals") == (found.offered_in, found.onset_offered, found.onset_sign)
    assert 40 == found.saturation_offered  # 20 -> 20 per second
    assert "40 requests/s" == found.said(40)
