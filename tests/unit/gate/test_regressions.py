"""The regressions made by hand: each fits what it changes, and can be gated."""

from __future__ import annotations

import compileall
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.gate.regressions.__main__ import OUTCOMES, PAGE, kept, main
from benchmarks.gate.regressions.document import document
from benchmarks.gate.regressions.gates import Outcome, plan_of_target
from benchmarks.gate.regressions.model import Edit, EditError, OfShop, OfTarget, Regression
from benchmarks.gate.regressions.registry import REGRESSIONS
from benchmarks.gate.regressions.trees import SCENARIOS, plan_of, repository_of_shop
from harness.gate.wish import FEWEST_PAIRS
from harness.planning.wish import read_plan_file
from harness.records import RouteCost
from reports.gate.verdicts import Verdict
from scenarios.registry import SCENARIOS as STANDARD

OF_TARGETS = [one for one in REGRESSIONS.values() if isinstance(one.change, OfTarget)]
OF_SHOP = [one for one in REGRESSIONS.values() if isinstance(one.change, OfShop)]


def by_name(one: Regression) -> str:
    return one.name


def test_there_are_thirty_six_that_differ_in_name_and_kind() -> None:
    assert 36 == len(REGRESSIONS) == len(OF_TARGETS) + len(OF_SHOP)
    assert 36 == len({one.kind for one in REGRESSIONS.values()})


@pytest.mark.parametrize("one", REGRESSIONS.values(), ids=by_name)
def test_each_has_a_scenario_that_exists_and_pairs_that_can_fail(one: Regression) -> None:
    assert one.scenario in {*STANDARD, *read_plan_file(SCENARIOS).scenario}
    assert one.pairs[0] >= FEWEST_PAIRS
    assert one.expected


@pytest.mark.parametrize("one", OF_TARGETS, ids=by_name)
def test_each_change_of_a_target_applies_compiles_and_is_one(one: Regression, tmp_path: Path) -> None:
    assert isinstance(one.change, OfTarget)
    plan = plan_of_target(one, one.change, tmp_path)
    base, head = plan.subjects
    assert "base" == base.name
    if not one.change.edits:
        assert (base.settings, base.launch) != (head.settings, head.launch)
        return
    trees = [Path(side.launch.environment["PYTHONPATH"]) for side in (base, head)]
    assert all(compileall.compile_dir(tree, quiet=1) for tree in trees)
    texts = [{path.name: path.read_text() for path in tree.rglob("*.py")} for tree in trees]
    changed = {name for name, text in texts[0].items() if texts[1][name] != text}
    assert {Path(edit.path).name for edit in one.change.edits} == changed


@pytest.mark.parametrize("one", OF_SHOP, ids=by_name)
def test_each_change_of_the_shop_applies_and_compiles(one: Regression, tmp_path: Path) -> None:
    assert isinstance(one.change, OfShop)
    folder = repository_of_shop(tmp_path / "shop", one.change)
    assert compileall.compile_dir(folder, quiet=1)
    plan = read_plan_file(folder / "poolstorm.toml")
    assert plan.app is not None
    assert one.change.paths == plan.app.get


def test_a_change_that_does_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\none\n")
    with pytest.raises(EditError, match="2 times 'one'"):
        Edit("a.py", "one", "two").apply(tmp_path)
    with pytest.raises(EditError, match="0 times"):
        Edit("a.py", "three", "two").apply(tmp_path)
    with pytest.raises(EditError, match="there already"):
        Edit("a.py", "", "new").apply(tmp_path)


def test_the_shops_plan_gives_both_sides_the_same_variables() -> None:
    text = plan_of(OfShop((), env={"DB_POOL_TIMEOUT": "0.6"}, paths=("/products",)))
    assert 'env = { DATABASE_URL = "{database_url+asyncpg}", DB_POOL_TIMEOUT = "0.6" }' in text
    assert 'get = ["/products"]' in text
    assert "locustfile" not in text


def test_the_page_counts_what_was_caught_missed_and_not_run() -> None:
    names = list(REGRESSIONS)[:3]
    caught = Outcome(
        name=names[0], verdict=Verdict.REGRESSED, told_by=("all opened",), as_expected=True, said="more", pairs=11,
        minutes=2.5, measured_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), commit="abc",
    )  # fmt: skip
    missed = caught.model_copy(update={"name": names[1], "verdict": Verdict.INCONCLUSIVE, "told_by": ()})
    chosen = {name: REGRESSIONS[name] for name in names}
    page = document(chosen, {caught.name: caught, missed.name: missed})
    assert "**1 of 2 caught by their first gate**, 1 by their last, of 3 in all." in page
    assert f"Missed: {names[1]}." in page
    assert f"Not run yet: {names[2]}." in page
    assert "| regressed | all opened | 11 | 2.5 | 2026-01-02 03:04 (abc) |" in page


def test_another_try_hides_no_earlier_one() -> None:
    first = Outcome(
        name="echo", verdict=Verdict.INCONCLUSIVE, told_by=(), as_expected=False, said="open", pairs=11,
        minutes=2.5, measured_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), commit="abc",
    )  # fmt: skip
    second = first.model_copy(update={"verdict": Verdict.INVALID, "commit": "def"}).after(first)
    third = first.model_copy(update={"verdict": Verdict.REGRESSED, "told_by": ("all cpu",)}).after(second)
    assert [Verdict.INCONCLUSIVE, Verdict.INVALID] == [one.verdict for one in third.earlier]
    page = document({"echo": REGRESSIONS["echo"]}, {"echo": third})
    assert "**0 of 1 caught by their first gate**, 1 by their last, of 1 in all." in page
    assert "all cpu; before: inconclusive (abc); before: invalid (def)" in page


def test_the_page_is_that_of_what_was_kept() -> None:
    outcomes = kept()
    assert set(outcomes) <= set(REGRESSIONS)
    assert {path.stem for path in OUTCOMES.glob("*.json")} == set(outcomes)
    assert document(REGRESSIONS, outcomes) == PAGE.read_text()


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["no-such"])
    assert "no-such: there is no such regression" in capsys.readouterr().err


def test_expected_metrics_are_those_that_a_gate_has() -> None:
    counted = set(RouteCost.model_fields) | {"round trips", "transactions"}
    timed = {"p50", "p99", "p50-of-all", "cpu", "throughput", "recovery", "generator-lag", "exhaustion-onset"}
    held = {
        "errors",
        "error-share",
        "money-is-conserved",
        "sessions-at-base",
        "leak",
        "answers-right",
        "staleness",
        "ledger",
        "bank",
    }
    expected = {metric for one in REGRESSIONS.values() for metric in one.expected}
    assert expected <= counted | timed | held
