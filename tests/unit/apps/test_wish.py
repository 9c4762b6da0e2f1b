"""An app as it is described, and the subject that it becomes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.apps.wish import AppWish, app_subject, merged
from harness.errors import PlanError
from harness.plan import build_plan
from harness.planning.wish import PlanFile, merge_wishes
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
    found = merged(in_file, {"run": None, "env": ["B=2=3"], "rate_per_s": 9.0})
    assert found == {"run": COMMAND, "env": {**ENV, "B": "2=3"}, "rate_per_s": 9.0}
    assert merged(None, {"run": None, "env": None}) is None
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
        assert rates == pytest.approx([10.0 * rate / usual[0] for rate in usual])
        assert [phase.users for phase in scenario.phases] == [phase.users for phase in original.phases]


def test_a_second_repetition_brings_a_twin() -> None:
    assert [subject.name for subject in planned(repetitions=2).subjects] == ["app", "app-twin"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"targets": ["sync-pool"]}, "an app is measured alone"),
        ({"pool": ["pool_size=3"]}, "an app is measured alone"),
        ({"scenarios": ["tellers"]}, "scenario 'tellers' is about what the standard targets do (crowded-teller)"),
        ({"app": {"rate_per_s": 0.0}}, "app.rate_per_s"),
        ({"app": {"rate_per_s": 0.01}}, "less than one request"),
    ],
)
def test_what_does_not_go_with_an_app_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        planned(**given)
    assert said in str(caught.value)
