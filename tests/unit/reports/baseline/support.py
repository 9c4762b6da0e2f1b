"""Recorded runs with counts of their routes, to be written down and held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from harness.records import Bank, RouteCost, TargetInfo
from reports.baseline.judging import Held, HeldRow, hold
from reports.baseline.model import Baseline
from reports.baseline.renewing import renewed
from reports.baseline.seen import Seen, seen_in
from reports.gate.verdicts import Verdict
from reports.read import read_run
from scenarios.model import Check, Scenario
from tests.unit.reports.builder import ENVIRONMENT, Request, TrialBuilder, one_phase, pool_reading, write_run

TODAY = date(2026, 6, 1)
SCENARIO = Scenario(
    name="counted",
    title="Counted",
    question="?",
    phases=(one_phase(duration_s=2.0),),
    checks=(Check(kind="money-is-conserved"), Check(kind="no-leaked-connections")),
)
Plant = Callable[[TrialBuilder], None]


def nothing(_: TrialBuilder) -> None:
    """As it is."""


def cost(route: str, statements: int = 2, round_trips: int = 3, **more: int) -> RouteCost:
    """Of two requests."""
    return RouteCost.model_validate(
        {"route": route, "requests": 2, "statements": statements, "checkouts": 2, "opened": 0, "pings": 2,
         "round_trips": round_trips, **more}
    )  # fmt: skip


def trial(
    plant: Plant = nothing, *, target: str = "shop", repetition: int = 1, scenario: Scenario = SCENARIO
) -> TrialBuilder:
    one = TrialBuilder(
        scenario, TargetInfo(name=target, title=target, teaches="", driver="psycopg2"), repetition=repetition
    )
    one.mark_phases()
    one.requests = [Request("steady", 0.02 * number, 10.0) for number in range(100)]
    one.readings = [pool_reading(-0.1, 0), pool_reading(1.0, 2, requests_total=50, statements_total=60)]
    one.pool_at_end = pool_reading(2.5, 0, requests_total=100, statements_total=120, checked_out_max=2)
    one.bank = Bank(
        total_before_cents=100, total_after_cents=100, transfers_stored=1, transfers_acknowledged=1,
        negative_balances=0,
    )  # fmt: skip
    one.route_costs = (cost("read"), cost("write", statements=6, round_trips=6))
    plant(one)
    return one


def seen(path: Path, *trials: TrialBuilder, machine: str = "Example CPU", **changes: object) -> Seen:
    """What is seen of a run of these trials, or of one."""
    environment = ENVIRONMENT.model_copy(update={"cpu_model": machine})
    folder = write_run(path, list(trials or (trial(),)), **{"environment": environment, **changes})  # type: ignore[arg-type]
    return seen_in(read_run(folder))


def written(path: Path, *trials: TrialBuilder, before: Baseline | None = None, **options: object) -> Baseline:
    """The baseline of such a run."""
    return renewed(before, seen(path, *trials, **options))  # type: ignore[arg-type]


def held(baseline: Baseline | None, run: Seen) -> Held:
    return hold(run, baseline, TODAY)


def row(of: Held, name: str) -> HeldRow:
    (found,) = [one for one in of.rows if one.name == name]
    return found


def names(of: Held, verdict: Verdict) -> set[str]:
    return {one.name for one in of.rows if one.verdict is verdict}


def with_costs(*costs: RouteCost) -> Plant:
    """These, in place of what there was."""

    def plant(one: TrialBuilder) -> None:
        one.route_costs = costs

    return plant


def with_latency(latency_ms: float) -> Plant:
    def plant(one: TrialBuilder) -> None:
        one.requests = [Request(r.phase, r.sent_s, latency_ms) for r in one.requests]

    return plant


def several(*latencies_ms: float) -> Sequence[Plant]:
    return [with_latency(one) for one in latencies_ms]
