"""An app as it is described, and the subject that it becomes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.apps.scenarios import USUAL_OF_STANDARD_PER_S
from harness.apps.subjects import app_subject, app_subjects
from harness.apps.wish import AppWish, merged
from harness.errors import PlanError
from harness.plan import build_plan
from harness.planning.wish import PlanFile, merge_wishes, read_plan_file
from scenarios.registry import DEFAULT_SCENARIOS, SCENARIOS

ENV = {"DATABASE_URL": "{database_url}"}
COMMAND = f"{sys.executable} serve.py --port {{port}}"


def wish(**changes: Any) -> AppWish:
    return AppWish.model_validate({"run": COMMAND, "env": ENV, **changes})


def test_a_command_is_split_as_a_shell_does_and_run_where_it_says(tmp_path: Path) -> None:
    found = app_subject(wish(run=f"{sys.executable} 'my app.py' {{port}}", directory=str(tmp_path)))
    assert found.launch.command == (sys.executable, "my app.py", "{port}")
    assert found.launch.directory == tmp_path
    assert not found.launch.is_ours
    assert found.capabilities == frozenset()


def test_a_module_and_a_name_are_an_app_for_uvicorn() -> None:
    command = app_subject(wish(run="shop.main:app")).launch.command
    assert command[-6:] == ("shop.main:app", "--host", "{host}", "--port", "{port}", "--no-access-log")


def test_secrets_of_its_environment_are_not_shown() -> None:
    assert "s3cret" not in repr(app_subject(wish(env={**ENV, "KEY": "s3cret"})))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": f"{sys.executable} serve.py"}, "does not say where to listen; put {port}"),
        ({"run": f"{sys.executable} 'x {{port}}"}, "cannot be read (No closing quotation)"),
        ({"run": "no-such-program {port}"}, "there is no program 'no-such-program'"),
        ({"run": "./nowhere {port}"}, "there is no program './nowhere'"),
        ({"env": {}}, "the app is not told its database"),
        ({"env": {"DATABASE_URL": "{databas_url}"}}, "did you mean 'database_url'"),
        ({"env": {"A B": "{database_url}"}}, "'A B' is no name of a variable"),
        ({"setup": "fill '"}, 'app.setup: "fill \'" cannot be read'),
        ({"get": ("items",)}, "'items' is no path"),
        ({"get": ("/a b",)}, "'/a b' is no path"),
        ({"ready": "up"}, "'up' is no path"),
        ({"directory": "/no/such/folder"}, "there is no folder '/no/such/folder'"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        app_subject(wish(**changes))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_line_goes_before_the_file_and_variables_add_up() -> None:
    in_file = wish(rate_per_s=5.0)
    found = merged(in_file, {"env": ["B=2=3"], "rate_per_s": 9.0})
    assert found == {"run": COMMAND, "env": {**ENV, "B": "2=3"}, "rate_per_s": 9.0}
    assert merged(None, {}) is None
    with pytest.raises(PlanError, match="name it with --app"):
        merged(None, {"env": ["A=1"]})
    with pytest.raises(PlanError, match="'A' has no value"):
        merged(in_file, {"env": ["A"]})


def planned(**given: Any) -> Any:
    app = {"run": COMMAND, "env": ["DATABASE_URL={database_url}"], **given.pop("app", {})}
    return build_plan(merge_wishes(PlanFile(), app=app, **given))


def test_standard_scenarios_keep_their_shape_and_get_the_app_s_size() -> None:
    plan = planned(app={"rate_per_s": 10.0})
    assert [scenario.name for scenario in plan.scenarios] == list(DEFAULT_SCENARIOS)
    for scenario in plan.scenarios:
        original = SCENARIOS[scenario.name]
        assert {phase.behaviour for phase in scenario.phases} == {"visitor"}
        assert [phase.faults for phase in scenario.phases] == [phase.faults for phase in original.phases]
        assert scenario.pool == {}
        rates = [phase.arrivals.rate_per_s for phase in scenario.phases if phase.arrivals and not phase.warmup]
        usual = [phase.arrivals.rate_per_s for phase in original.phases if phase.arrivals and not phase.warmup]
        assert rates == pytest.approx([10.0 * rate / 60 for rate in usual])
        assert [phase.users for phase in scenario.phases] == [phase.users for phase in original.phases]


def test_rates_are_assumed_until_the_app_was_seen_and_users_are_in_proportion() -> None:
    assert not planned(app={"rate_per_s": 10.0}).rates_assumed
    assert planned().rates_assumed
    assert not build_plan(PlanFile()).rates_assumed
    wish = merge_wishes(PlanFile(), app={"run": COMMAND, "env": ["D={database_url}"], "users": 22})
    plan = build_plan(wish, usual_per_s=7.0)
    assert not plan.rates_assumed
    steady = plan.scenario("baseline").phases[-1].arrivals
    assert steady is not None
    assert steady.rate_per_s == pytest.approx(7.0)
    original = SCENARIOS["exhaustion"].phases
    users = [phase.users or 0 for phase in plan.scenario("exhaustion").phases]
    assert max(users) == 22
    assert users == [max(1, round(22 * (phase.users or 0) / 110)) for phase in original]


def test_rates_that_a_plan_writes_down_are_left_as_they_are() -> None:
    phases = ({"name": "all", "duration_s": 2.0, "arrivals": {"rate_per_s": 7.0}},)
    mine = {"base": "baseline", "phases": phases}
    plan = build_plan(
        merge_wishes(
            PlanFile.model_validate({"app": wish(rate_per_s=600.0).model_dump(), "scenario": {"mine": mine}})
        )
    )
    (phase,) = plan.scenario("mine").phases
    assert phase.arrivals is not None
    assert (phase.arrivals.rate_per_s, phase.behaviour) == (7.0, "visitor")


def test_the_load_that_is_usual_for_the_standard_targets_is_their_baseline_s() -> None:
    steady = SCENARIOS["baseline"].phases[-1].arrivals
    assert steady is not None
    assert steady.rate_per_s == USUAL_OF_STANDARD_PER_S


def test_variants_and_every_combination_are_subjects_beside_the_app() -> None:
    found = app_subjects(
        wish(
            variants={"wide": {"env": {"SIZE": 50, "KEEP": "1"}}},
            matrix={"SIZE": [2, "20"], "MODE": ["Async IO", "sync"]},
        )
    )
    names = ["app", "app-wide", "app-2-async-io", "app-2-sync", "app-20-async-io", "app-20-sync"]
    assert names == [subject.name for subject in found]
    assert found[1].launch.environment == {**ENV, "SIZE": "50", "KEEP": "1"}
    assert found[2].launch.environment == {**ENV, "SIZE": "2", "MODE": "Async IO"}
    assert {subject.schema for subject in found} == {"own:app"}
    assert {tuple(subject.launch.setup_environment.items()) for subject in found} == {tuple(ENV.items())}


def test_values_that_make_no_name_are_numbered() -> None:
    found = app_subjects(wish(matrix={"SIZE": ["-", "1", "1."]}))
    assert [subject.name for subject in found] == ["app", "app-matrix-1", "app-1", "app-matrix-3"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variants": {"a": {"run": "nothing.here {port}"}}}, "there is no program 'nothing.here'"),
        ({"variants": {"a" * 40: {}}}, "is too long; 40 characters"),
        ({"variants": {"a": {"env": {"B": "{databas_url}"}}}}, "did you mean 'database_url'"),
        ({"variants": {"a": {"env": {"B C": "1"}}}}, "'B C' is no name of a variable"),
        ({"matrix": {"A": [str(n) for n in range(8)], "B": [str(n) for n in range(8)]}}, "more than 50"),
        ({"matrix": {"A-B": ["1"]}}, "'A-B' is no name of a variable"),
    ],
)
def test_variants_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        app_subjects(wish(**changes))
    assert said in str(caught.value)


TWO = f"""
control = "old"
repetitions = 2

[apps.new]
run = "{COMMAND}"
env = {{ DB = "{{database_url}}" }}
rate_per_s = 9
variants.small.env = {{ SIZE = 2 }}

[apps.old]
run = "{COMMAND}"
env = {{ DB = "{{database_url}}" }}
directory = "v1"
"""


def test_several_apps_are_compared_each_with_a_database_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "poolstorm.toml").write_text(TWO)
    read = read_plan_file(tmp_path / "poolstorm.toml")
    plan = build_plan(merge_wishes(read))
    assert ["new", "new-small", "old", "old-twin"] == [subject.name for subject in plan.subjects]
    assert plan.control == "old"
    assert [tmp_path, tmp_path, tmp_path / "v1", tmp_path / "v1"] == [s.launch.directory for s in plan.subjects]
    assert ["own:new", "own:new", "own:old", "own:old"] == [s.schema for s in plan.subjects]
    assert not plan.rates_assumed
    chosen = build_plan(merge_wishes(read, targets=["new-small", "old"], repetitions=1))
    assert ["new-small", "old"] == [subject.name for subject in chosen.subjects]


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        (TWO + "rate_per_s = 8\n", {}, "apps: all are compared under the same load; give rate_per_s once"),
        (TWO, {"app": {"env": ["A=1"]}}, "the plan has several apps; say there what each is given"),
        (TWO + '[app]\nrun = "x:y"\n', {}, "there are both app and apps"),
        (TWO + 'name = "young"\n', {}, "apps.old.name: the table has the name already"),
        (TWO.replace("old]", "Old]"), {}, "a name has small letters"),
        (TWO + "rat_per_s = 8\n", {}, "apps.old: unknown field 'rat_per_s'; did you mean 'rate_per_s'"),
        (TWO + "variants.small.setup = 8\n", {}, "unknown field 'setup'"),
    ],
)
def test_what_several_apps_cannot_have_is_refused_in_one_line(
    tmp_path: Path, text: str, given: dict[str, Any], said: str
) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "poolstorm.toml").write_text(text)
    with pytest.raises(PlanError) as caught:
        build_plan(merge_wishes(read_plan_file(tmp_path / "poolstorm.toml"), **given))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_second_repetition_brings_a_twin() -> None:
    assert [subject.name for subject in planned(repetitions=2).subjects] == ["app", "app-twin"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"targets": ["sync-pool"]}, "sync-pool is a standard target, and apps are measured without these"),
        ({"targets": ["ap"]}, "unknown target 'ap'; did you mean 'app'"),
        ({"control": "sync-pool"}, "it must be among the targets that run"),
        ({"pool": ["pool_size=3"]}, "an app configures its own pool"),
        ({"scenarios": ["tellers"]}, "scenario 'tellers' is about what the standard targets do (crowded-teller)"),
        ({"app": {"rate_per_s": 0.0}}, "app.rate_per_s"),
        ({"app": {"rate_per_s": 0.01}}, "less than one request"),
    ],
)
def test_what_does_not_go_with_an_app_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        planned(**given)
    assert said in str(caught.value)
