"""A whole gate: its first pairs, a look at them, and the rest where that look decided nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from harness.environment.stack import StackOptions
from harness.gate.announcing import first_look
from harness.gate.pairs import first_pairs
from harness.plan import Plan
from harness.run import Ending, carry_out
from harness.store import RunStore


@dataclass(frozen=True)
class Standing:
    """How a gate stands: whether more pairs could still change its verdict, and how many the look still lacks, as
    some of its pairs could not be used.
    """

    is_decided: bool
    lacking: int = 0


def carry_out_gate(
    plan: Plan,
    run_id: str,
    store: RunStore,
    options: StackOptions,
    say: Callable[[str], None],
    *,
    plan_at: Callable[[float], Plan],
    standing: Callable[[], Standing],
) -> Ending:
    """Run the pairs of one look after those of another until it is decided. Raises as `carry_out` does."""
    return carry_out(
        plan,
        run_id,
        store,
        options,
        say,
        plan_at,
        lambda settled: legs(settled, standing),
        begins_with=first_look(plan),
    )


def legs(plan: Plan, standing: Callable[[], Standing]) -> Iterator[Plan]:
    """Look after look; before each, further pairs take the place of those that could not be used, while there are
    some.
    """
    assert plan.gate is not None
    run = before = 0
    for look, pairs in enumerate(plan.gate.pairs, start=1):
        run, before = run + pairs - before, pairs
        while True:
            leg = first_pairs(plan, run)
            yield replace(leg, gate=plan.gate.model_copy(update={"look": look}))
            now = standing()
            if not now.lacking or run >= plan.repetitions:
                break
            run = min(run + now.lacking, plan.repetitions)
        if now.is_decided:
            return
