"""Each regression made by hand that changes code: does what it makes of its base start, and answer?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gate.regressions.gates import plan_of_target
from benchmarks.gate.regressions.model import OfShop, OfTarget, Regression
from benchmarks.gate.regressions.registry import REGRESSIONS
from benchmarks.gate.regressions.trees import repository_of_shop
from harness.apps.locustfile import look_into
from harness.environment.stack import StackOptions
from harness.gate.pairs import first_pairs
from harness.gate.two import two_sides
from harness.gate.wish import GateWish, SideWish, settle_gate
from harness.plan import Plan
from harness.planning.wish import read_plan_file
from harness.records import TrialRecord, TrialState
from harness.run import carry_out
from harness.store import RunStore

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CHANGED = [one for one in REGRESSIONS.values() if isinstance(one.change, OfShop) or one.change.edits]


@pytest.mark.parametrize("one", CHANGED, ids=lambda one: one.name)
def test_base_and_head_start_and_answer(one: Regression, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run")
    brief = replace(one, scenario="brief")
    match one.change:
        case OfTarget() as change:
            _run(plan_of_target(brief, change, tmp_path), store)
        case OfShop() as change:
            plan_file = read_plan_file(repository_of_shop(tmp_path / "shop", change) / "poolstorm.toml")
            wish = GateWish(SideWish(), SideWish(), pairs=one.pairs, scenarios=("brief",))
            with two_sides(plan_file, wish, "HEAD~1", say=lambda _: None) as sides:
                _run(settle_gate(plan_file, sides, locustfile=look_into(plan_file.all_apps, None)), store)
    paths = sorted((store.path / "trials").glob("*/trial.json"))
    records = [TrialRecord.model_validate_json(path.read_text()) for path in paths]
    assert [(TrialState.COMPLETED, "")] * 2 == [(record.state, record.reason) for record in records]
    assert all(record.closing and record.closing.started > 20 for record in records)
    base = next(record for record in records if record.spec.target == "base")
    assert not [item.name for item in base.conformance if not item.passed]


def _run(plan: Plan, store: RunStore) -> None:
    carry_out(first_pairs(plan, 1), "one-pair", store, StackOptions(), lambda _: None)
