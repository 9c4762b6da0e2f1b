"""Pairs on real parts: both sides at once, each route counted, and two revisions of an app side by side."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.gate.regressions.gates import plan_of_target
from benchmarks.gate.regressions.model import OfTarget
from benchmarks.gate.regressions.registry import REGRESSIONS
from harness.environment.stack import StackOptions, running_stack
from harness.gate.pairs import first_pairs
from harness.gate.wish import GateWish, SideWish, settle_gate
from harness.planning.wish import PlanFile
from harness.records import TrialRecord, TrialState
from harness.run import Nobody, run_plan
from harness.store import RunStore
from reports.gate.observing import measured
from reports.read import read_run
from tests.integration.command import poolstorm

pytestmark = pytest.mark.integration

APP = """
from contextlib import asynccontextmanager
import os
import asyncpg
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=4) as app.state.pool:
        yield

app = FastAPI(lifespan=lifespan)

@app.get("/number")
async def number() -> int:
    {body}
"""
PLAN = """
[app]
run = "one:app"
env = {DATABASE_URL = "{database_url}"}
rate_per_s = 20
"""


def records(folder: Path) -> list[TrialRecord]:
    found = sorted((folder / "trials").glob("*/trial.json"))
    return [TrialRecord.model_validate_json(path.read_text()) for path in found]


def test_both_sides_of_a_pair_run_at_once_and_each_route_is_counted(tmp_path: Path) -> None:
    wish = GateWish(SideWish("sync-pool"), SideWish("async-pool", latency_ms=5), pairs=(11, 11))
    plan = first_pairs(settle_gate(PlanFile(duration_s=2, seed=3), wish), 1)
    store = RunStore.create(tmp_path / "run")
    with running_stack(StackOptions(), lambda _: None, (), None) as stack:
        run_plan(plan, "gate", store, stack, Nobody())
    found = {record.spec.target: record for record in records(store.path)}
    base, head = found["base"], found["head"]
    assert [(TrialState.COMPLETED, "")] * 2 == [(one.state, one.reason) for one in (base, head)]
    assert base.origin_monotonic_ns == head.origin_monotonic_ns
    assert base.closing is not None
    assert head.closing is not None
    assert base.closing.started == head.closing.started > 50
    for one in (base, head):
        assert {"read_user": 1, "list_users": 1, "create_user": 1, "transfer": 3} == {
            cost.route: (cost.statements or 0) / cost.requests for cost in one.route_costs
        }
        assert {(cost.checkouts, cost.opened, cost.failed) for cost in one.route_costs} == {(2, 0, 0)}
    more = [
        (after.round_trips or 0) - (before.round_trips or 0)
        for before, after in zip(base.route_costs, head.route_costs, strict=True)
    ]
    assert all(trips > 0 for trips in more), "asyncpg's pre-ping is a transaction of its own"


def test_a_head_that_answers_wrongly_is_measured_all_the_same_and_told(tmp_path: Path) -> None:
    dropped = REGRESSIONS["await-dropped"]
    assert isinstance(dropped.change, OfTarget)
    plan = first_pairs(plan_of_target(dropped, dropped.change, tmp_path), 1)
    store = RunStore.create(tmp_path / "run")
    with running_stack(StackOptions(), lambda _: None, (), None) as stack:
        run_plan(plan, "gate", store, stack, Nobody())
    found = {record.spec.target: record for record in records(store.path)}
    assert [(TrialState.COMPLETED, "")] * 2 == [(one.state, one.reason) for one in found.values()]
    assert not [item for item in found["base"].conformance if not item.passed]
    wrong = {item.name for item in found["head"].conformance if not item.passed}
    assert {"transfer-moves-once", "read-transfer"} <= wrong
    pair, *_ = measured(read_run(store.path)).pairs
    assert "answers-right" in {breach.name for breach in pair.head.breaches}
    assert not pair.base.breaches


def test_a_commit_with_one_statement_more_is_told_from_its_base(tmp_path: Path) -> None:
    repository = tmp_path / "service"
    repository.mkdir()
    (repository / "poolstorm.toml").write_text(PLAN)
    once = 'return await app.state.pool.fetchval("SELECT 1")'
    _commit(repository, once)
    _commit(repository, f'await app.state.pool.fetchval("SELECT 2"); {once}')
    done = poolstorm(
        "gate", "--base-ref", "HEAD~1", "--pairs", "11", "--duration", "1", "-o", str(tmp_path / "gate"),
        cwd=repository, timeout_s=400,
    )  # fmt: skip
    assert 4 == done.returncode, done.stderr[-2000:]
    assert "REGRESSED" in done.stdout
    costs = Counter(
        (record.spec.target, cost.route, cost.statements, cost.checkouts)
        for record in records(tmp_path / "gate")
        for cost in record.route_costs
    )
    assert {("base", "/number", 2, 2), ("head", "/number", 4, 4)} == set(costs)
    assert "/number statements" in done.stdout
    assert {"gate.json", "gate.md", "gate.xml"} <= {path.name for path in (tmp_path / "gate").iterdir()}
    status = subprocess.run(
        ["git", "status", "--short"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert not status.stdout


def _commit(repository: Path, body: str) -> None:
    (repository / "one.py").write_text(APP.replace("{body}", body))
    who = ("-c", "user.name=A", "-c", "user.email=a@example.test")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "A change")):
        subprocess.run(["git", *words], cwd=repository, check=True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--base", "sync-pool", "--head", "async-pool", "--pairs", "5"), "nothing could be called worse"),
        (("--base", "sync-pool", "--head", "async-pool", "--pairs", "few"), "two whole numbers"),
        (("--base-ref", "main"), "describe it in poolstorm.toml"),
        (("--base", "sync-pool", "--base-ref", "main"), "leave out --base"),
        ((), "base and head are the same"),
    ],
)
def test_what_cannot_be_gated_is_one_line_and_exit_code_2(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    done = poolstorm("gate", *words, cwd=tmp_path)
    assert 2 == done.returncode
    assert says in done.stderr
    assert 1 == len(done.stderr.strip().splitlines())
    assert not list(tmp_path.iterdir())


ONE_ROUTE = """
import os, sys
import asyncpg, uvicorn
pool = None

async def app(scope, receive, send):
    global pool
    if scope["type"] != "http":
        return
    if pool is None:
        pool = await asyncpg.create_pool(os.environ["DB"], min_size=1, max_size=3)
    await pool.fetchval("select 41 + 1")
    status = 500 if os.environ.get("BAD") == "refuses" else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

if os.environ.get("BAD") == "ends":
    sys.exit("out of cheese, and of " + os.environ["API_KEY"])
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def gate_with(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A gate of an app against itself, with other variables."""
    (folder / "app.py").write_text(ONE_ROUTE)
    app = f"{sys.executable} app.py {{port}}"
    return poolstorm(
        *("gate", "-o", "out", "--app", app, "--env", "DB={database_url}", "--env", "API_KEY=camembert"),
        *("--get", "/", "--rate", "20", "--duration", "1", "--pairs", "11", *words),
        cwd=folder,
        timeout_s=400,
    )


@pytest.mark.parametrize(
    ("bad", "says"), [("ends", "out of cheese, and of ***"), ("refuses", "it answered no request with a success")]
)
def test_a_head_that_cannot_be_measured_while_its_base_can_is_broken(tmp_path: Path, bad: str, says: str) -> None:
    done = gate_with(tmp_path, "--head-env", f"BAD={bad}")
    assert 4 == done.returncode, done.stderr
    assert done.stdout.startswith("BROKEN")
    for name in ("gate.json", "gate.md", "gate.xml"):
        text = (tmp_path / "out" / name).read_text().replace("\\", "")
        assert says in text, name
        assert "camembert" not in text
    assert "trying it once more" in done.stderr
    again = poolstorm("gate", "--judge", "out", cwd=tmp_path)
    assert (4, done.stdout) == (again.returncode, again.stdout)


def test_a_base_that_cannot_be_measured_is_no_verdict(tmp_path: Path) -> None:
    done = gate_with(tmp_path, "--base-env", "BAD=ends", "--head-env", "BAD=refuses")
    assert 2 == done.returncode
    assert "base cannot be measured" in done.stderr
    assert "out of cheese" in done.stderr
    assert not (tmp_path / "out").exists()
