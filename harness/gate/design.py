"""What a gate's error rates hold for, as a name and two digests: pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from harness.apps.wish import AppWish, variables
from harness.gate.wish import GateWish, SideWish
from harness.plan import Plan
from harness.planning.wish import PlanFile
from harness.records import GateDesign
from harness.subject import Subject

_OF_WORDS = {"title", "question"}
_PLACE = re.compile(r"\{[a-z0-9_+]+\}")


def design_of(plan: Plan, plan_file: PlanFile, wish: GateWish) -> GateDesign:
    """Of a gate as it was settled before its app was tried: what was assumed then is the same each time."""
    assert plan.gate is not None
    base, app = plan.subjects[0], next(iter(plan_file.all_apps), None)
    load = {
        "scenarios": [scenario.model_dump(mode="json", exclude=_OF_WORDS) for scenario in plan.scenarios],
        "pairs": plan.gate.pairs,
        "workers": plan.workers.count,
        "locustfile": plan.locustfile and plan.locustfile.record().sha256,
    }
    is_own = app is not None and not base.launch.is_ours
    return GateDesign(
        subject=(wish.base.name or app.name) if app is not None and is_own else base.title,
        scenarios=tuple(scenario.name for scenario in plan.scenarios),
        pairs=plan.gate.pairs,
        load_digest=_digest(load),
        subject_digest=_digest(_of_app(app, wish.base) if app is not None and is_own else _of_target(base)),
    )


def _of_target(base: Subject) -> Mapping[str, Any]:
    return {"target": base.title, "pool": dict(base.told_settings)}


def _of_app(app: AppWish, side: SideWish) -> Mapping[str, Any]:
    """How it is started. Of variables only names count, but for what stands for the trial's database: their values
    may be secrets.
    """
    given = {**app.env, **variables(side.env)}
    return {
        "name": side.name or app.name,
        "run": side.run or app.run,
        "env": {name: value if _PLACE.fullmatch(value) else "..." for name, value in given.items()},
        **app.model_dump(mode="json", include={"setup", "ready", "get", "probe", "rate_per_s"}),
    }


def _digest(of: Mapping[str, Any]) -> str:
    text = json.dumps(of, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
