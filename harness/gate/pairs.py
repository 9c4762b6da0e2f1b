"""The order of a gate's trials: pure. A pair is base and head once each, with fresh processes and databases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from harness.plan import Plan
from harness.records import Place, Side, TrialSpec
from harness.subject import Subject
from scenarios.model import PRIMARY_LINK, Phase, Scenario

BASE, HEAD = "base", "head"


def sides(base: Subject, head: Subject) -> tuple[Subject, Subject]:
    """Both under the names that a gate knows them by; what they are stays in their titles."""
    pair = base.name
    return (
        replace(base, name=BASE, title=base.name, place=Place(pair=pair, side=Side.BASE, position=1)),
        replace(head, name=HEAD, title=head.name, place=Place(pair=pair, side=Side.HEAD, position=2)),
    )


def paired(plan: Plan, base: Subject, head: Subject, pairs: int) -> Plan:
    """The plan's scenarios in so many pairs of the two, each pair with an order of its own.

    Which side starts first is a coin's, from the plan's seed: the first pairs of a longer gate are those of a
    shorter one.
    """
    rng = random.Random(f"pairs {plan.seed}")
    trials: list[TrialSpec] = []
    block = 0
    for pair in range(1, pairs + 1):
        for scenario in rng.sample(plan.scenarios, len(plan.scenarios)):
            block += 1
            at_once = runs_at_once(scenario)
            for target in rng.sample((base.name, head.name), 2):
                index = len(trials) + 1
                trials.append(
                    TrialSpec(
                        id=f"{index:04d}-{scenario.name}-{target}-p{pair}",
                        index=index,
                        scenario=scenario.name,
                        target=target,
                        repetition=pair,
                        block=block if at_once else None,
                    )
                )
    return replace(
        plan,
        subjects=(base, head),
        control=base.name,
        repetitions=pairs,
        trials=tuple(trials),
        counts_routes=True,
    )


def runs_at_once(scenario: Scenario) -> bool:
    """Whether both sides can have it at the same time: where each gets what it asks for of what they share.

    A closed load, a ramp and steps drive a side to its limit, which is the machine's; and what is done to the
    server itself is done to both.
    """
    return all(map(_leaves_room, scenario.phases))


def _leaves_room(phase: Phase) -> bool:
    is_even = phase.arrivals is not None and phase.arrivals.is_even
    return is_even and all(fault.part == PRIMARY_LINK for fault in phase.faults)


def first_pairs(plan: Plan, pairs: int) -> Plan:
    """The same gate, ended after so many pairs."""
    chosen: Sequence[TrialSpec] = [spec for spec in plan.trials if spec.repetition <= pairs]
    return replace(plan, repetitions=pairs, trials=tuple(chosen))
