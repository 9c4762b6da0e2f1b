"""From a wish to an ordered list of trials, and every way in which a plan can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.environment.parts import BROUGHT_BY, KNOWN_PARTS, PRIMARY
from harness.errors import PlanError
from harness.plan import Plan, build_plan
from harness.planning.wish import PlanFile, merge_wishes, parse_plan, read_plan_file
from harness.records import Place, Side
from scenarios.model import PRIMARY_LINK
from scenarios.registry import DEFAULT_SCENARIOS, SCENARIOS
from targets.known import KNOWN_TARGETS
from targets.registry import TARGETS


def names(plan: Plan) -> list[str]:
    return [subject.name for subject in plan.subjects]


def test_the_default_plan_holds_every_target_under_every_scenario_once() -> None:
    plan = build_plan(PlanFile())
    pairs = {(trial.scenario, trial.target) for trial in plan.trials}
    assert {(scenario, target) for scenario in DEFAULT_SCENARIOS for target in TARGETS} == pairs
    assert 5 * 5 == len(plan.trials)


def test_the_quick_plan_holds_three_targets_and_four_scenarios() -> None:
    plan = build_plan(PlanFile(), quick=True)
    assert ["sync-pool", "async-pool", "no-pool"] == names(plan)
    assert len(plan.trials) == 12


def test_each_repetition_is_a_block_that_holds_every_pair_in_an_order_of_its_own() -> None:
    plan = build_plan(PlanFile(repetitions=3, seed=7, aa=False), quick=True)
    blocks = [plan.trials[start : start + 12] for start in (0, 12, 24)]
    orders = [[(trial.scenario, trial.target) for trial in block] for block in blocks]
    assert len({frozenset(order) for order in orders}) == 1
    assert len({tuple(order) for order in orders}) == 3
    assert [trial.repetition for trial in plan.trials] == [1] * 12 + [2] * 12 + [3] * 12


def test_with_repetitions_the_control_runs_twice_in_each_block_as_twins() -> None:
    plan = build_plan(PlanFile(repetitions=2, scenarios=("baseline",), targets=("no-pool", "async-pool")))
    assert ["no-pool", "async-pool", "no-pool-twin"] == names(plan)
    assert 2 * 3 == len(plan.trials)
    first, other, second = plan.subjects
    assert first.launch == second.launch
    assert plan.pool_settings("no-pool", "baseline") == plan.pool_settings("no-pool-twin", "baseline")
    assert (Place(pair="no-pool", side=Side.TWIN, position=1), None) == (first.place, other.place)
    assert (None, "no-pool") == (first.info().repeats, second.info().repeats)


def test_the_twin_can_be_left_out_or_asked_for() -> None:
    assert "sync-pool-twin" not in names(build_plan(PlanFile(repetitions=2, aa=False)))
    assert "sync-pool-twin" in names(build_plan(PlanFile(repetitions=1, aa=True)))


def test_a_subject_is_recorded_with_what_it_can_do_and_the_plans_pool() -> None:
    info = build_plan(PlanFile(pool={"pool_size": 7})).subject("async-pool")
    told = info.info(info.settings.model_dump())
    assert ("async-pool", "asyncpg", 7) == (told.name, told.driver, told.settings["pool_size"])
    assert "money" in told.capabilities


def test_the_seed_alone_decides_the_order() -> None:
    assert build_plan(PlanFile(seed=5)).trials == build_plan(PlanFile(seed=5)).trials
    assert build_plan(PlanFile(seed=5)).trials != build_plan(PlanFile(seed=6)).trials


def test_trial_ids_differ_and_sort_in_the_order_of_running() -> None:
    for repetitions in (2, 40):  # 60 and 1,200 trials
        ids = [trial.id for trial in build_plan(PlanFile(repetitions=repetitions)).trials]
        assert sorted(ids) == ids
        assert len(set(ids)) == len(ids)


def test_pool_settings_come_from_the_target_then_the_plan_then_the_scenario() -> None:
    plan = build_plan(parse_plan({"pool": {"pool_size": 5, "pool_timeout_s": 9}}, "here"))
    # exhaustion sets the timeout itself; baseline does not.
    baseline, exhaustion = (plan.pool_settings("sync-pool", name) for name in ("baseline", "exhaustion"))
    assert (baseline.pool_size, baseline.pool_timeout_s, baseline.max_overflow) == (5, 9.0, 20)
    assert (exhaustion.pool_size, exhaustion.pool_timeout_s) == (5, 0.1)


def test_a_scenario_can_be_derived_from_another() -> None:
    document = {
        "scenario": {
            "far-away": {
                "base": "baseline",
                "phases": [
                    {
                        "name": "far",
                        "duration_s": 4,
                        "arrivals": {"rate_per_s": 10},
                        "faults": [
                            {"kind": "latency", "at_s": 1, "duration_s": 2, "settings": {"latency_ms": 80}}
                        ],
                    }
                ],
            }
        }
    }
    plan = build_plan(parse_plan(document, "here"))
    assert [scenario.name for scenario in plan.scenarios] == ["far-away"]
    assert plan.scenarios[0].duration_s == 4.0
    assert SCENARIOS["baseline"].checks == plan.scenarios[0].checks


def test_a_duration_stretches_phases_and_faults_alike() -> None:
    before = SCENARIOS["latency"]
    after = build_plan(PlanFile(duration_s=2 * before.duration_s, scenarios=("latency",))).scenarios[0]
    assert pytest.approx(2 * before.duration_s) == after.duration_s
    for short, long in zip(before.phases, after.phases, strict=True):
        assert pytest.approx([2 * fault.ends_at_s for fault in short.faults]) == [
            fault.ends_at_s for fault in long.faults
        ]


def test_the_command_line_goes_before_the_file_and_adds_to_its_pool() -> None:
    wish = merge_wishes(
        PlanFile(seed=1, repetitions=4, pool={"pool_size": 3, "max_overflow": 1}),
        seed=9,
        repetitions=None,
        pool=["pool_size=5", "pre_ping=false", "pool_timeout_s=1.5"],
    )
    assert (wish.seed, wish.repetitions) == (9, 4)
    assert dict(wish.pool) == {"pool_size": 5, "max_overflow": 1, "pre_ping": False, "pool_timeout_s": 1.5}


PHASE = {"name": "a", "duration_s": 2.0, "arrivals": {"rate_per_s": 5}}
LATE_FAULT = {"kind": "latency", "at_s": 1.5, "duration_s": 1.0, "settings": {"latency_ms": 5}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"targets": ["sync-pol"]}, "unknown target 'sync-pol'; did you mean 'sync-pool'?"),
        ({"scenarios": ["latancy"]}, "unknown scenario 'latancy'; did you mean 'latency'?"),
        ({"repetition": 3}, "unknown field 'repetition'; did you mean 'repetitions'?"),
        ({"repetitions": 0}, "repetitions: Input should be greater than or equal to 1, not 0"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0"),
        ({"workers": 0}, "workers: Input should be greater than or equal to 1"),
        ({"bind": "127.0.0.1:1"}, "say how many with attach"),
        ({"attach": 1, "bind": "nowhere"}, "bind: 'nowhere' is no HOST:PORT; write it like 127.0.0.1:5557"),
        ({"attach": 1, "bind": "127.0.0.1:70000"}, "bind: 70000 is no port; choose one from 1024 to 65535"),
        ({"attach": 1, "bind": "0.0.0.0:5557"}, "name the one at which workers reach this machine"),
        ({"duration_s": 0}, "duration_s: Input should be greater than or equal to 1"),
        ({"targets": ["no-pool", "no-pool"]}, "target 'no-pool' is named twice"),
        ({"targets": ["no-pool"], "control": "sync-pool"}, "it must be among the targets that run"),
        ({"pool": {"pool_sise": 3}}, "unknown pool setting 'pool_sise'; did you mean 'pool_size'?"),
        (
            {"pool": {"pool_size": -1}},
            "pool settings: pool_size: Input should be greater than or equal to 0, not -1",
        ),
        (
            {"scenario": {"baseline": {"phase": []}}},
            "scenario.baseline: unknown field 'phase'; did you mean 'phases'?",
        ),
        ({"scenario": {"mine": {"title": "x"}}}, "a new scenario names the one it starts from with `base`"),
        ({"scenario": {"mine": {"base": "baselin"}}}, "did you mean 'baseline'?"),
        ({"scenario": {"latency": {"phases": []}}}, "scenario.latency.phases"),
        (
            {"scenario": {"latency": {"phases": [{**PHASE, "faults": [LATE_FAULT]}]}}},
            "outside its phase 'a' of 2 s; shorten it or lengthen the phase",
        ),
        (
            {
                "scenario": {
                    "latency": {"phases": [{**PHASE, "faults": [{**LATE_FAULT, "at_s": 0, "kind": "latancy"}]}]}
                }
            },
            "unknown fault 'latancy'; did you mean 'latency'?",
        ),
        (
            {
                "scenario": {
                    "latency": {
                        "phases": [{**PHASE, "faults": [{**LATE_FAULT, "at_s": 0, "settings": {"latency": 5}}]}]
                    }
                }
            },
            "unknown field 'latency'; did you mean 'latency_ms'?",
        ),
        (
            {"scenario": {"latency": {"phases": [{**PHASE, "faults": [{**LATE_FAULT, "atS": 1}]}]}}},
            "scenario.latency.phases.0.faults.0: unknown field 'atS'; did you mean 'at_s'?",
        ),
        ({"scenario": {"latency": {"phases": [{**PHASE, "users": 5}]}}}, "either arrivals or users"),
        (
            {"scenario": {"latency": {"phases": [{**PHASE, "behaviour": "bookkeeper"}]}}},
            "needs users, not arrivals",
        ),
        ({"scenario": {"latency": {"phases": [{**PHASE, "warmup": True}]}}}, "nothing but warm-up"),
        (
            {"scenario": {"latency": {"phases": [{**PHASE, "arrivals": {"rate_per_s": -1}}]}}},
            "greater than 0, not -1",
        ),
        ({"scenario": {"latency": {"phases": [{**PHASE, "duration_s": 0}]}}}, "greater than 0, not 0"),
        (
            {"scenario": {"latency": {"phases": [{**PHASE, "arrivals": {"process": "ramp", "rate_per_s": 5}}]}}},
            "to_rate_per_s belongs to a ramp or step, and these need it",
        ),
        (
            {"scenario": {"latency": {"phases": [{**PHASE, "arrivals": {"rate_per_s": 5, "steps": 3}}]}}},
            "steps belongs to a step process",
        ),
        (
            {"scenario": {"latency": {"in_flight_cap": 0}}},
            "in_flight_cap: Input should be greater than or equal to 1",
        ),
        (
            {"scenario": {"latency": {"in_flight_cap": 2}}, "workers": 2, "attach": 1},
            "scenario.latency: in_flight_cap 2 cannot be shared among 3 workers; raise it",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_mend(document: dict[str, Any], expected: str) -> None:
    with pytest.raises(PlanError) as caught:
        build_plan(parse_plan(document, "plan.toml"))
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("option", ["pool_size", "pool_size=", "pool_size=five"])
def test_a_pool_option_without_a_value_is_refused(option: str) -> None:
    with pytest.raises(PlanError, match="pool_size"):
        merge_wishes(PlanFile(), pool=[option])


def test_a_plan_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read: No such file"):
        read_plan_file(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("targets = [")
    with pytest.raises(PlanError, match=r"broken\.toml is not valid TOML"):
        read_plan_file(broken)


LATE = {
    "name": "late",
    "duration_s": 2.0,
    "users": 1,
    "faults": [
        {"kind": "latency", "part": "replication-link", "at_s": 0, "duration_s": 1, "settings": {"latency_ms": 5}}
    ],
}


def test_a_fault_on_a_part_that_no_target_of_the_plan_has_is_refused() -> None:
    wish = parse_plan(
        {"targets": ["sync-pool"], "scenario": {"s": {"base": "baseline", "phases": [LATE]}}}, "here"
    )
    with pytest.raises(PlanError) as caught:
        build_plan(wish)
    line = str(caught.value)
    assert "the fault 'latency' is done to 'replication-link', which no target of the plan has" in line
    assert "add one that has (rw-split, rw-split-sticky)" in line


def test_it_is_enough_that_one_target_has_the_part() -> None:
    plan = build_plan(PlanFile(targets=("sync-pool", "rw-split"), scenarios=("rw-split",)))
    assert {"replica"} == plan.needs_parts
    assert {"sync-pool", "rw-split"} == {trial.target for trial in plan.trials}


def test_the_default_plan_needs_no_replica() -> None:
    assert frozenset() == build_plan(PlanFile()).needs_parts


def test_what_targets_need_are_parts_that_there_are() -> None:
    needed = {part for target in KNOWN_TARGETS.values() for part in target.needs_parts}
    assert needed <= set(BROUGHT_BY.values())
    assert set(BROUGHT_BY) | {PRIMARY, PRIMARY_LINK} == set(KNOWN_PARTS)
