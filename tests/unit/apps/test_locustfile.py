"""A locustfile as it is wished for, and the plan that it leads to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.apps.wish import AppWish, locustfile_of
from harness.errors import PlanError
from harness.locustfile import Found, FoundClass, FoundShape, Inspected, require_file
from harness.plan import Plan, build_plan
from harness.planning.wish import PlanFile, merge_wishes, read_plan_file
from harness.preview import locustfile_lines
from harness.subject import Visits

APP = {"run": f"{sys.executable} serve.py {{port}}", "env": {"DB": "{database_url}"}}
SHOPPER = FoundClass(name="Shopper", client="HttpUser", weight=3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "load.py"
    path.write_text("")
    return path


def wish(**changes: Any) -> AppWish:
    return AppWish.model_validate({**APP, **changes})


def planned(file: Path, shape: FoundShape | None = None, **given: Any) -> Plan:
    app = {
        **APP,
        "env": ["DB={database_url}"],
        "locustfile": str(file),
        "rate_per_s": 20.0,
        **given.pop("app", {}),
    }
    wished = merge_wishes(PlanFile(), app=app, **given)
    chosen = locustfile_of(wished.all_apps, wished.duration_s)
    assert chosen is not None
    found = Inspected(file=chosen, found=Found(user_classes=(SHOPPER,), shape=shape))
    return build_plan(wished, locustfile=found)


def test_standard_scenarios_are_run_by_its_users_and_it_is_the_workload(file: Path) -> None:
    plan = planned(file, repetitions=2)
    assert {"locustfile"} == {phase.behaviour for scenario in plan.scenarios for phase in scenario.phases}
    assert [file, file] == [getattr(subject.workload, "path", None) for subject in plan.subjects]
    checks = {check.kind for scenario in plan.scenarios for check in scenario.checks}
    assert "answers-unchanged" not in checks  # it is not known what is only read
    assert "sessions-at-base" in checks


@pytest.mark.parametrize(
    ("shape_s", "given_s", "lasts_s"),
    [(20.0, None, 20.0), (200.0, None, 60.0), (200.0, 120.0, 120.0), (20.0, 120.0, 20.0), (None, None, 60.0)],
)
def test_as_written_lasts_as_long_as_its_shape_up_to_the_duration(
    file: Path, shape_s: float | None, given_s: float | None, lasts_s: float
) -> None:
    shape = FoundShape(name="Stages", length_s=shape_s, most_users=30)
    plan = planned(file, shape, scenarios=["as-written"], duration_s=given_s)
    (phase,) = plan.scenarios[0].phases
    assert (lasts_s, 30, "load-shape") == (phase.duration_s, phase.users, phase.behaviour)
    assert "up to 30 users" == phase.describe_load()
    cut = shape_s is None or shape_s > lasts_s
    assert cut == (f"cut at {lasts_s:g} s" in locustfile_lines(plan)[-1])


def test_as_written_without_a_shape_is_so_many_users(file: Path) -> None:
    (phase,) = planned(file, scenarios=["as-written"], duration_s=5.0).scenarios[0].phases
    assert (5.0, 10, "locustfile") == (phase.duration_s, phase.users, phase.behaviour)
    plan = planned(file, scenarios=["as-written"], app={"users": 3, "rate_per_s": None})
    assert 3 == plan.scenarios[0].phases[0].users
    assert not plan.rates_assumed  # there is no rate that depends on what the app bears


def test_it_is_told_whose_shape_counts(file: Path) -> None:
    shape = FoundShape(name="Stages", length_s=20, most_users=30)
    assert [
        "the load comes from load.py: Shopper (HttpUser, weight 3)",
        "its Stages is left aside where a scenario has a shape of its own",
    ] == locustfile_lines(planned(file, shape, scenarios=["baseline"]))
    assert [] == locustfile_lines(build_plan(PlanFile()))


def test_its_path_is_found_from_where_it_is_written(file: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        '[app]\nrun = "serve {port}"\nlocustfile = "load.py"\ntags = ["a"]\nuser_classes = ["Shopper"]\n'
    )
    app = read_plan_file(tmp_path / "plan.toml").app
    assert app is not None
    found = locustfile_of([app])
    assert found is not None
    assert (file, ("a",), ("Shopper",)) == (found.path, found.tags, found.user_classes)


def test_apps_share_the_one_that_is_given(file: Path) -> None:
    assert locustfile_of([wish(), wish()]) is None
    found = locustfile_of([wish(), wish(locustfile=str(file))])
    assert found is not None
    assert file == found.path
    assert isinstance(build_plan(PlanFile(app=wish(get=("/a",)))).subjects[0].workload, Visits)


@pytest.mark.parametrize(
    ("apps", "said"),
    [
        ([{"locustfile": "FILE"}, {"locustfile": "FILE", "tags": ["a"]}], "give locustfile once"),
        ([{"tags": ["a"]}], "name it with --locustfile"),
        ([{"exclude_tags": ["a"]}], "name it with --locustfile"),
        ([{"locustfile": "FILE", "get": ["/items"]}], "leave one out"),
        ([{"locustfile": "nowhere.py"}], "cannot be read: No such file"),
        ([{"locustfile": "."}], "is a folder"),
        ([{"locustfile": "/dev/null"}], "is no file of Python"),
    ],
)
def test_what_does_not_go_together_is_refused(file: Path, apps: list[dict[str, Any]], said: str) -> None:
    wished = [
        wish(**{name: str(file) if value == "FILE" else value for name, value in app.items()}) for app in apps
    ]
    with pytest.raises(PlanError) as caught:
        locustfile_of(wished)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"attach": 1}, "attached workers do not have the locustfile"),
        ({"scenarios": ["tellers"]}, "is about what the standard targets do"),
    ],
)
def test_what_does_not_go_with_one_is_refused(file: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        planned(file, **given)
    assert said in str(caught.value)


def test_as_written_needs_one() -> None:
    with pytest.raises(PlanError, match="name it with --locustfile"):
        build_plan(PlanFile(scenarios=("as-written",)))


PHASES = [{"name": "mine", "duration_s": 5.0, "users": 3, "behaviour": "locustfile"}]


def test_phases_of_a_plan_may_be_of_its_users_and_need_it(file: Path) -> None:
    patch: dict[str, Any] = {"base": "baseline", "phases": PHASES}
    plan_file = PlanFile.model_validate({"scenario": {"own": patch}, "app": {**APP, "locustfile": str(file)}})
    chosen = locustfile_of(plan_file.all_apps)
    assert chosen is not None
    found = Inspected(file=chosen, found=Found(user_classes=(SHOPPER,)))
    assert "locustfile" == build_plan(plan_file, locustfile=found).scenarios[0].phases[0].behaviour
    with pytest.raises(PlanError, match="'own' has users of a locustfile; name that with --locustfile"):
        build_plan(PlanFile.model_validate({"scenario": {"own": patch}}))
    patch["phases"] = [{**PHASES[0], "behaviour": "load-shape"}]
    with pytest.raises(PlanError, match="only as-written has a locustfile's shape"):
        build_plan(PlanFile.model_validate({"scenario": {"own": patch}}), locustfile=found)
    with pytest.raises(PlanError, match="derive one of another name"):
        build_plan(PlanFile.model_validate({"scenario": {"as-written": {"base": "baseline"}}}), locustfile=found)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(PlanError, match="no file of Python"):
        require_file(tmp_path / "pipe.py")
