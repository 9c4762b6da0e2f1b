"""What a gate runs, in which order, and what it refuses to run."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import pytest

from harness.errors import PlanError
from harness.gate.announcing import announced, first_look
from harness.gate.carrying import Standing, legs
from harness.gate.pairs import first_pairs, runs_at_once
from harness.gate.wish import FEWEST_PAIRS, GateWish, SideWish, settle_gate
from harness.plan import Plan, blocks_of
from harness.planning.wish import PlanFile, merge_wishes
from harness.records import Side
from harness.subject import Subject
from harness.terminal import RunDisplay, minutes
from reports.gate.looks import Look
from reports.gate.size import fewest_pairs
from scenarios.registry import SCENARIOS

TWO = GateWish(base=SideWish("sync-pool"), head=SideWish("async-pool"), pairs=(11, 14))


def settled(wish: GateWish, seed: int = 1, plan_file: PlanFile | None = None) -> Plan:
    return settle_gate((plan_file or PlanFile()).model_copy(update={"seed": seed}), wish)


def side(plan: Plan, name: str) -> Subject:
    return plan.subject(name)


def test_every_pair_holds_both_sides_once_at_the_same_time_and_a_coin_says_who_starts() -> None:
    plan = settled(TWO)
    blocks = blocks_of(plan.trials)
    assert [{"base", "head"}] * 17 == [{spec.target for spec in block} for block in blocks], "14, and 3 to spare"
    assert list(range(1, 18)) == [block[0].repetition for block in blocks]
    first = Counter(block[0].target for block in blocks)
    assert min(first["base"], first["head"]) > 1
    assert [Side.BASE, Side.HEAD] == [one.place.side for one in plan.subjects if one.place]
    assert ("sync-pool", "async-pool") == tuple(one.title for one in plan.subjects)
    assert plan.counts_routes
    assert plan.gate is not None
    assert (11, 14) == plan.gate.pairs


def test_the_first_pairs_of_a_longer_gate_are_those_of_a_shorter_one() -> None:
    shorter, longer = settled(replace(TWO, pairs=(11, 11))), settled(TWO)
    assert shorter.trials[:22] == longer.trials[:22] == first_pairs(longer, 11).trials
    assert settled(TWO, seed=2).trials != longer.trials


def test_what_drives_a_side_to_its_limit_runs_in_turn() -> None:
    assert {"gate", "baseline", "latency", "dropped-connections"} <= {
        name for name, scenario in SCENARIOS.items() if runs_at_once(scenario)
    }
    assert not runs_at_once(SCENARIOS["exhaustion"])
    plan = settled(replace(TWO, scenarios=("gate", "exhaustion")))
    sizes = Counter((block[0].scenario, len(block)) for block in blocks_of(plan.trials))
    assert {("gate", 2): 17, ("exhaustion", 1): 34} == dict(sizes)


def test_a_target_is_set_against_itself_under_another_pool() -> None:
    plan = settled(GateWish(base=SideWish("sync-pool"), head=SideWish(pool=("pool_size=2",))))
    assert (10, 2) == (side(plan, "base").settings.pool_size, side(plan, "head").settings.pool_size)
    assert side(plan, "base").title == side(plan, "head").title == "sync-pool"


def test_two_commands_or_environments_of_an_app_are_its_variants() -> None:
    file = merge_wishes(PlanFile(), app={"run": "shop.main:app", "env": ["DATABASE_URL={database_url}"]})
    wish = GateWish(
        base=SideWish(), head=SideWish(run="shop.other:app", env=("POOL_SIZE=2",)), scenarios=("gate",)
    )
    plan = settled(wish, plan_file=file)
    base, head = side(plan, "base").launch, side(plan, "head").launch
    assert ("shop.main:app" in base.command, "shop.other:app" in head.command) == (True, True)
    assert {"DATABASE_URL": "{database_url}"} == dict(base.environment)
    assert {"DATABASE_URL": "{database_url}", "POOL_SIZE": "2"} == dict(head.environment)
    assert side(plan, "base").schema == side(plan, "head").schema
    assert plan.rates_assumed


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (replace(TWO, pairs=(10, 20)), "nothing could be called worse"),
        (replace(TWO, pairs=(12, 11)), "the second is from 12 to 500"),
        (GateWish(SideWish(), SideWish()), "base and head are the same"),
        (GateWish(SideWish("sync-pol"), SideWish("sync-pool")), "sync-pol"),
        (GateWish(SideWish("sync-pool"), SideWish(env=("A=1",))), "targets take --base-pool"),
        (GateWish(SideWish("sync-pool"), SideWish(pool=("pool_siz=1",))), "pool_siz"),
        (replace(TWO, scenarios=("gait",)), "did you mean"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(wish: GateWish, says: str) -> None:
    with pytest.raises(PlanError, match=r"^[^\n]+$") as refused:
        settled(wish)
    assert says in str(refused.value)


def test_so_few_pairs_are_refused_as_could_never_fail_in_the_first_look() -> None:
    assert FEWEST_PAIRS == fewest_pairs(Look.FIRST.alpha)


def test_an_app_is_given_variables_and_no_pool() -> None:
    file = merge_wishes(PlanFile(), app={"run": "shop.main:app", "env": ["DATABASE_URL={database_url}"]})
    with pytest.raises(PlanError, match="an app configures its own pool"):
        settled(GateWish(SideWish(), SideWish(pool=("pool_size=2",))), plan_file=file)


def legs_run(standings: list[Standing], pairs: tuple[int, int] = (12, 20)) -> list[tuple[int, int]]:
    """Look and pairs of each leg, where a gate stood so after each."""
    plan, answers = settled(replace(TWO, pairs=pairs)), iter(standings)
    found = []
    for leg in legs(plan, lambda: next(answers)):
        assert leg.gate is not None
        found.append((leg.gate.look, len(leg.trials) // 2))
    return found


def test_a_gate_ends_with_the_look_that_decides_it() -> None:
    assert [(1, 12)] == legs_run([Standing(is_decided=True)])
    assert [(1, 12), (2, 20)] == legs_run([Standing(is_decided=False), Standing(is_decided=False)])


def test_pairs_that_cannot_be_used_are_replaced_before_the_look_counts() -> None:
    lost = Standing(is_decided=True, lacking=2)
    assert [(1, 12), (1, 14), (2, 22)] == legs_run([lost, Standing(is_decided=False), Standing(is_decided=True)])
    assert [(1, 12), (1, 14), (1, 16)] == legs_run([lost, lost, Standing(is_decided=True)])


def test_a_machine_that_loses_every_pair_is_not_tried_for_ever() -> None:
    assert [(1, 12), (1, 24), (1, 25)] == legs_run([Standing(is_decided=True, lacking=12)] * 3)


def test_what_is_planned_is_told_without_the_pairs_to_spare() -> None:
    plan = settled(replace(TWO, pairs=(12, 20)))
    assert (25, 24) == (plan.repetitions, len(first_look(plan).trials))
    took = [minutes(first_pairs(plan, pairs).expected_s()) for pairs in (12, 20)]
    assert announced(plan) == (
        f"12 pairs, about {took[0]}; where these decide nothing 20, about {took[1]} in all; up to 5 more in place "
        "of pairs that cannot be used"
    )
    once = settled(replace(TWO, pairs=(11, 11)))
    assert announced(once).startswith("11 pairs, about ")
    assert "decide nothing" not in announced(once)


def test_a_gate_that_grows_tells_by_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    plan = settled(replace(TWO, pairs=(12, 20)))
    with RunDisplay(first_look(plan)) as display:
        display.follow(first_pairs(plan, 12))
        display.follow(first_pairs(plan, 20))
    first, more = capsys.readouterr().err.splitlines()
    assert first.startswith("24 trials, about ")
    assert more.startswith("16 more trials, about ")


def test_what_sides_are_given_is_recorded_without_their_secrets() -> None:
    env = ["DATABASE_URL={database_url}", "API_KEY=camembert-1", "PATH=/usr/bin"]
    file = merge_wishes(PlanFile(), app={"run": "shop.main:app", "env": env})
    wish = GateWish(base=SideWish(), head=SideWish(env=("POOL_SIZE=2", "API_KEY=camembert-2")))
    plan = settled(wish, plan_file=file)
    base, head = (side(plan, name).info().given for name in ("base", "head"))
    assert {"DATABASE_URL": "{database_url}", "API_KEY": "***", "command": "shop.main:app"} == base
    assert {**base, "POOL_SIZE": "2", "API_KEY": "*** (another)"} == head


def test_two_revisions_are_given_the_same_wherever_their_checkouts_lie() -> None:
    file = merge_wishes(PlanFile(), app={"run": "shop.main:app", "env": ["DATABASE_URL={database_url}"]})
    (app,) = file.all_apps
    base, head = (
        app.model_copy(update={"name": f"app-{name}", "run": f"{sys.executable} /tmp/{name}/x {{port}}"})
        for name in ("base", "head")
    )
    wish = GateWish(base=SideWish(app=base), head=SideWish(app=head))
    plan = settled(wish, plan_file=file)
    assert side(plan, "base").given == side(plan, "head").given
    assert "shop.main:app" == side(plan, "base").given["command"]
