"""What a calibration fixes before its first gate, and holds to."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from harness.cli_calibrate import power
from harness.errors import PoolstormError
from harness.gate.calibration_begun import asked_for, begun
from harness.gate.calibration_store import WORDS_FILE
from harness.gate.calibration_words import OPTIONS
from harness.gate.design import design_of
from harness.gate.wish import GateWish, SideWish, settle_gate
from harness.planning.wish import PlanFile, merge_wishes
from harness.records import CalibrationKind, GateCalibration
from reports.calibration.summary import read_calibration
from tests.unit.gate.repositories import commit, new_repository

APP = {"run": "shop.main:app", "env": ["DATABASE_URL={database_url}", "SIZE=3"]}


def given(**words: Any) -> dict[str, Any]:
    """As the command line hands them on."""
    return {"gates": 2, "pool": None, "allow_dirty": False, **words}


def begin(folder: Path, kind: str = "aa", before: GateCalibration | None = None, **words: Any) -> GateCalibration:
    store, _ = begun(kind, given(**words), folder, before, lambda _: None)
    return store.calibration


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def test_all_is_written_down_before_the_first_gate(tmp_path: Path) -> None:
    begin(tmp_path / "c", gates=60, seed=7, pairs="11,14", base="async-pool")
    plan = read_calibration(tmp_path / "c").plan
    assert (60, 7, CalibrationKind.AA, None) == (plan.gates, plan.seed, plan.kind, plan.plant)
    assert ("async-pool", (11, 14), ("gate",)) == (plan.design.subject, plan.design.pairs, plan.design.scenarios)
    assert plan.machine.cpu_count > 0
    assert "sqlalchemy" in plan.packages
    assert plan.python


def test_the_folder_alone_goes_on(tmp_path: Path) -> None:
    before = begin(tmp_path / "c", pairs="11", duration=2.0, pool=["pool_size=3"], seed=4)
    assert before == begin(tmp_path / "c", before=read_calibration(tmp_path / "c"), gates=None)
    assert before == begin(tmp_path / "c", before=before, gates=2, pairs="11", pool=["pool_size=3"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"gates": 3}, "was begun with -n 2, which was fixed before its first gate"),
        ({"seed": 5}, "was begun without --seed"),
        ({"pairs": "12"}, "was begun with --pairs 11"),
        ({"pool": ["pool_size=4"]}, "was begun with --pool pool_size=3"),
        ({"base": "async-pool"}, "was begun without --base"),
    ],
)
def test_what_would_change_is_refused_in_a_line(tmp_path: Path, words: dict[str, Any], says: str) -> None:
    before = begin(tmp_path / "c", pairs="11", pool=["pool_size=3"])
    with pytest.raises(PoolstormError, match=r"^[^\n]+$") as refused:
        begin(tmp_path / "c", before=before, **words)
    assert says in str(refused.value)


def test_a_calibration_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    before = begin(tmp_path / "c")
    with pytest.raises(PoolstormError, match="poolstorm calibrate aa goes on with it"):
        begin(tmp_path / "c", "power", before)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"poolstorm_version": "0.0.9"}, r"another poolstorm \(0.0.9, and here"),
        ({"packages": {"sqlalchemy": "1.3"}}, "was begun with another"),
        ({"python": "CPython 3.9.1"}, r"another Python \(CPython 3.9.1"),
        ({"seed": 9}, "another seed"),
        ({"machine": {"cpu_model": "another"}}, r"another machine \(another"),
        ({"design": {"load_digest": "0" * 64}}, "another plan, scenarios, pairs or subject"),
    ],
)
def test_another_machine_library_or_plan_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    before = begin(tmp_path / "c")
    nested = {
        name: getattr(before.plan, name).model_copy(update=value) if name in ("machine", "design") else value
        for name, value in changes.items()
    }
    changed = before.model_copy(update={"plan": before.plan.model_copy(update=nested)})
    with pytest.raises(PoolstormError, match=says):
        begin(tmp_path / "c", before=changed)


@pytest.mark.parametrize(
    ("kind", "words", "says"),
    [
        ("aa", {"gates": None}, "say how many gates with -n"),
        ("aa", {"pairs": "5"}, "nothing could be called worse"),
        ("aa", {"pairs": "few"}, "two whole numbers"),
        ("aa", {"base": "sync-pol"}, "did you mean 'sync-pool'"),
        ("aa", {"base_ref": "HEAD"}, "describe it in poolstorm.toml"),
        ("power", {"base_latency": 22}, "nothing would be planted"),
        ("power", {"plant": "statement", "base_latency": 1}, "takes no latencies"),
        ("power", {"plant": "statement", "base": "no-pool"}, "only of sync-pool, async-pool"),
    ],
)
def test_what_cannot_be_calibrated_is_one_line_and_leaves_nothing(
    tmp_path: Path, kind: str, words: dict[str, Any], says: str
) -> None:
    with pytest.raises(PoolstormError, match=r"^[^\n]+$") as refused:
        begin(tmp_path / "c", kind, **words)
    assert says in str(refused.value)
    assert not (tmp_path / "c").exists()


def test_a_latency_is_planted_by_default_and_a_statement_by_a_twin() -> None:
    slow = asked_for("power", {}, None)
    assert (20, 22) == (slow.wish.base.latency_ms, slow.wish.head.latency_ms)
    assert ("sync-pool", "sync-pool") == (slow.wish.base.name, slow.wish.head.name)
    more = asked_for("power", {"plant": "statement", "base": "async-pool"}, None)
    assert ("async-pool", "one-statement-more-async") == (more.wish.base.name, more.wish.head.name)
    assert (0, 0) == (more.wish.base.latency_ms, more.wish.head.latency_ms)


def test_what_may_be_a_secret_is_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "here" / "shop").mkdir()
    env = ["DATABASE_URL={database_url}", "API_KEY=hush-hush-hush"]
    begin(tmp_path / "c", app_run="shop.main:app", env=env)
    assert {"app_run": "shop.main:app", "env": ["DATABASE_URL={database_url}"]} == json.loads(
        (tmp_path / "c" / WORDS_FILE).read_text()
    )
    assert "hush" not in "".join(path.read_text() for path in (tmp_path / "c").iterdir() if path.is_file())
    before = read_calibration(tmp_path / "c")
    assert before == begin(tmp_path / "c", before=before, env=env)
    with pytest.raises(PoolstormError, match="another plan, scenarios, pairs or subject"):
        begin(tmp_path / "c", before=before)


def test_words_that_are_damaged_are_told(tmp_path: Path) -> None:
    before = begin(tmp_path / "c")
    for text in ("{", "[]", '{"other": 1}'):
        (tmp_path / "c" / WORDS_FILE).write_text(text)
        with pytest.raises(PoolstormError, match=r"asked\.json is damaged"):
            begin(tmp_path / "c", before=before)


def test_an_app_in_a_repository_is_built_of_one_revision_which_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "service")
    first = commit(repository, {"shop.py": "app = 1"}, "One")
    monkeypatch.chdir(repository)
    words = {"app_run": "shop:app", "env": ["DATABASE_URL={database_url}"]}
    asked = asked_for("aa", words, None)
    assert (True, first) == (asked.built, asked.revision)
    assert (None, None) == (asked.sides.base.name, asked.sides.head.name)
    second = commit(repository, {"shop.py": "app = 2"}, "Two")
    assert first == asked_for("aa", words, first).revision
    assert second == asked_for("aa", words, None).revision
    (repository / "shop.py").write_text("app = 3")
    with pytest.raises(PoolstormError, match="would not be measured"):
        asked_for("aa", words, None)


def test_what_a_calibration_leaves_in_the_apps_folder_is_no_change_of_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "service")
    commit(repository, {"api/shop.py": "app = 1"}, "One")
    monkeypatch.chdir(repository / "api")
    for name in ("calibration.json", "calibration-power.json", "aa/calibration.json", "poolstorm.toml"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("")
    words = {"app_run": "shop:app", "env": ["DATABASE_URL={database_url}"]}
    assert ("aa",) == asked_for("aa", words, None, Path("aa")).beside
    assert () == asked_for("aa", {**words, "allow_dirty": True}, None, tmp_path / "elsewhere").beside
    with pytest.raises(PoolstormError, match="aa/' would not be measured"):
        asked_for("aa", words, None, Path("another"))


def test_an_app_without_a_repository_is_run_as_it_lies_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = asked_for("aa", {"app_run": "shop:app", "env": ["DATABASE_URL={database_url}"]}, None)
    assert (False, "app", "app") == (asked.built, asked.wish.base.name, asked.wish.head.name)
    assert "both sides are run as they lie there" in capsys.readouterr().err


def test_the_digest_of_a_gate_is_that_of_its_calibration() -> None:
    file = merge_wishes(PlanFile(), app=APP)
    of_calibration = GateWish(SideWish("app"), SideWish("app"))
    of_gate = GateWish(SideWish(), SideWish(env=("SIZE=9",)))
    both = [design_of(settle_gate(file, wish), file, wish) for wish in (of_calibration, of_gate)]
    assert both[0] == both[1]
    longer = file.model_copy(update={"duration_s": 20.0})
    assert both[0].load_digest != design_of(settle_gate(longer, of_gate), longer, of_gate).load_digest
    other = merge_wishes(PlanFile(), app={**APP, "setup": "python3 fill.py"})
    assert both[0].subject_digest != design_of(settle_gate(other, of_gate), other, of_gate).subject_digest


def test_a_target_under_another_pool_is_another_base() -> None:
    def digest(*pool: str) -> str:
        wish = GateWish(SideWish("sync-pool", pool=pool), SideWish("async-pool"))
        return design_of(settle_gate(PlanFile(), wish), PlanFile(), wish).subject_digest

    assert digest() == digest("pool_size=10") != digest("pool_size=3")


def test_every_option_that_is_remembered_is_one_of_the_command() -> None:
    assert set(OPTIONS) <= set(signature(power).parameters)
