"""What a gate was asked to compare, and the pairs that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.apps.subjects import given_of
from harness.apps.wish import AppWish, VariantWish, variables
from harness.environment.hidden import HIDDEN
from harness.errors import PlanError
from harness.gate.pairs import BASE, HEAD, paired, sides
from harness.gate.revisions_repository import Commit
from harness.locustfile import Inspected
from harness.plan import CONTROL, Plan, build_plan
from harness.planning.checks import with_overrides
from harness.planning.wish import PlanFile, parse_pool_options
from harness.records import GateRecord, GateSide
from harness.subject import Subject

USUAL_SCENARIO = "gate"
USUAL_PAIRS = (12, 20)
FEWEST_PAIRS = 11
"""Of the first look: with fewer, none could ever be called worse (`reports.gate`)."""
MOST_PAIRS = 500
SPARE = 4
"""For so many pairs there is one more, to take the place of one that cannot be used."""


@dataclass(frozen=True)
class SideWish:
    """One side as it was named: a target, app or variant; or a command of an app; and what it alone is given.

    Its database is `latency_ms` away: each of its answers comes so much later.
    """

    name: str | None = None
    run: str | None = None
    pool: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    latency_ms: int = 0
    app: AppWish | None = None  # a revision's
    commit: Commit | None = None  # which


@dataclass(frozen=True)
class GateWish:
    """Both sides, and in how many pairs: judged after the first number, and where that decides nothing after the
    second.
    """

    base: SideWish
    head: SideWish
    pairs: tuple[int, int] = USUAL_PAIRS
    scenarios: tuple[str, ...] = (USUAL_SCENARIO,)
    attempt: int | None = None  # which of CI's tries it is


def settle_gate(
    plan_file: PlanFile,
    wish: GateWish,
    *,
    usual_per_s: float | None = None,
    locustfile: Inspected | None = None,
) -> Plan:
    """All pairs. Raises PlanError for what cannot be compared, or could never fail."""
    _check_pairs(wish.pairs)
    chosen: Mapping[str, Any] = {"aa": False, "repetitions": 1, "control": None, "scenarios": wish.scenarios}
    two = _of_apps if plan_file.all_apps or wish.base.app or wish.base.run or wish.head.run else _of_targets
    plan, base, head = two(plan_file.model_copy(update=chosen), wish, usual_per_s, locustfile)
    if base == head and not (wish.base.name and wish.head.name):
        raise PlanError("base and head are the same; name two with --base and --head, or give one another pool")
    base, head = (
        replace(subject, link_latency_ms=side.latency_ms)
        for subject, side in ((base, wish.base), (head, wish.head))
    )
    base, head = _told_apart(base, head)
    record = GateRecord(
        base=_recorded(base, wish.base), head=_recorded(head, wish.head), pairs=wish.pairs, attempt=wish.attempt
    )
    most = wish.pairs[1] + wish.pairs[1] // SPARE
    return replace(paired(plan, *sides(base, head), most), gate=record)


def _told_apart(base: Subject, head: Subject) -> tuple[Subject, Subject]:
    """What both have of a secret's name may be another one all the same, which its record cannot show."""
    own, other = base.launch.environment, head.launch.environment
    others = {
        name: f"{value} (another)"
        for name, value in head.given.items()
        if value == base.given.get(name) == HIDDEN and own.get(name) != other.get(name)
    }
    return base, replace(head, given={**head.given, **others})


def _recorded(subject: Subject, side: SideWish) -> GateSide:
    return GateSide(
        name=subject.name,
        revision=side.commit and side.commit.sha,
        says=side.commit.subject if side.commit else "",
        link_latency_ms=subject.link_latency_ms,
    )


def _check_pairs(pairs: tuple[int, int]) -> None:
    first, second = pairs
    if first < FEWEST_PAIRS:
        raise PlanError(
            f"--pairs {first},{second}: after {first} pairs nothing could be called worse, whatever it is; "
            f"take {FEWEST_PAIRS} or more"
        )
    if not first <= second <= MOST_PAIRS:
        raise PlanError(f"--pairs {first},{second}: the second is from {first} to {MOST_PAIRS}")


def _of_targets(
    plan_file: PlanFile, wish: GateWish, _: float | None, locustfile: Inspected | None
) -> tuple[Plan, Subject, Subject]:
    names = [wish.base.name or wish.head.name or CONTROL, wish.head.name or wish.base.name or CONTROL]
    if wish.base.env or wish.head.env:
        raise PlanError(
            "--base-env and --head-env are for apps; standard targets take --base-pool and --head-pool"
        )
    plan = build_plan(plan_file.model_copy(update={"targets": tuple(dict.fromkeys(names))}), locustfile=locustfile)
    base, head = (
        replace(subject, settings=with_overrides(subject.settings, parse_pool_options(side.pool)))
        for subject, side in zip(map(plan.subject, names), (wish.base, wish.head), strict=True)
    )
    return plan, base, head


def _of_apps(
    plan_file: PlanFile, wish: GateWish, usual_per_s: float | None, locustfile: Inspected | None
) -> tuple[Plan, Subject, Subject]:
    if wish.base.pool or wish.head.pool:
        raise PlanError(
            "an app configures its own pool; give each side its variables with --base-env and --head-env"
        )
    if wish.base.app is not None and wish.head.app is not None:  # two revisions
        apps: tuple[AppWish, ...] = (wish.base.app, wish.head.app)
        names = [app.name for app in apps]
    else:
        app, names = _with_sides(plan_file, wish)
        apps = (*plan_file.all_apps, app)  # in the place of the one that it is made of
    changed = {
        "app": None,
        "apps": {app.name: app for app in apps},
        "targets": tuple(dict.fromkeys(names)),
    }
    plan = build_plan(plan_file.model_copy(update=changed), usual_per_s=usual_per_s, locustfile=locustfile)
    base, head = map(plan.subject, names)
    if wish.base.app is not None and wish.head.app is not None:  # where their checkouts lie says nothing of them
        given = given_of(plan_file.all_apps[0])
        base, head = replace(base, given=given), replace(head, given=given)
    return plan, base, head


def _with_sides(plan_file: PlanFile, wish: GateWish) -> tuple[AppWish, list[str]]:
    """The app that both sides are variants of, and what the sides are called in the plan."""
    app = next(iter(plan_file.all_apps), None)
    if app is None:
        app = AppWish(run=wish.base.run or wish.head.run or "")
    variants, names = dict(app.variants), []
    for called, side in ((BASE, wish.base), (HEAD, wish.head)):
        if side.run is None and not side.env:
            names.append(side.name or app.name)
            continue
        of = variants.get(_short(side.name, app), VariantWish())
        variants[called] = VariantWish(env={**of.env, **variables(side.env)}, run=side.run or of.run)
        names.append(f"{app.name}-{called}")
    return app.model_copy(update={"variants": variants}), names


def _short(name: str | None, app: AppWish) -> str:
    return (name or "").removeprefix(f"{app.name}-")
