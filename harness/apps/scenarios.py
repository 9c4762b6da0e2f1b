"""Standard scenarios for an app: their shape and faults stay, their size and what is asked is the app's."""

from __future__ import annotations

from harness.errors import PlanError
from scenarios.model import Arrivals, Phase, Scenario

REPLACEABLE = frozenset({"reader", "mixed", "holder", "prober", "visitor"})
"""Behaviours that are a load and no more."""
WITHOUT_CONTRACT = frozenset({"no-errors-outside-faults", "recovers-within", "fails-fast"})
"""Checks that need nothing of an app but answers."""


def for_app(scenario: Scenario, rate_per_s: float) -> Scenario:
    """The scenario with visitors, at rates that are to its first phase's as in the original. Users stay as many.

    Raises PlanError for a scenario that is about the standard targets' own routes.
    """
    if own := sorted({phase.behaviour for phase in scenario.phases} - REPLACEABLE):
        raise PlanError(
            f"scenario {scenario.name!r} is about what the standard targets do ({', '.join(own)}); leave it out"
        )
    usual = next(
        (phase.arrivals.rate_per_s for phase in scenario.phases if phase.arrivals and not phase.warmup), None
    )
    factor = 1.0 if usual is None else rate_per_s / usual
    return scenario.model_copy(
        update={
            "phases": tuple(_visited(phase, factor) for phase in scenario.phases),
            "checks": tuple(check for check in scenario.checks if check.kind in WITHOUT_CONTRACT),
            "pool": {},
        }
    )


def _visited(phase: Phase, factor: float) -> Phase:
    arrivals = phase.arrivals and _scaled(phase.arrivals, factor)
    return phase.model_copy(update={"behaviour": "visitor", "arrivals": arrivals})


def _scaled(arrivals: Arrivals, factor: float) -> Arrivals:
    to = arrivals.to_rate_per_s
    return arrivals.model_copy(
        update={"rate_per_s": arrivals.rate_per_s * factor, "to_rate_per_s": None if to is None else to * factor}
    )
