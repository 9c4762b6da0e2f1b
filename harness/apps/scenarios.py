"""Standard scenarios for an app: their shape and faults stay, their size and what is asked is the app's."""

from __future__ import annotations

from harness.errors import PlanError
from scenarios.model import Arrivals, Check, Phase, Scenario

REPLACEABLE = frozenset({"reader", "mixed", "holder", "prober", "visitor"})
"""Behaviours that are a load and no more."""
USUAL_OF_STANDARD_PER_S = 60.0
"""The steady load of `scenarios.baseline`."""
WITHOUT_CONTRACT = frozenset({"no-errors-outside-faults", "recovers-within", "fails-fast"})
"""Checks that need nothing of an app but answers."""
OF_APPS: tuple[Check, ...] = (Check(kind="sessions-at-base"), Check(kind="answers-unchanged"))
"""In place of those that need the contract."""


def factor_of(usual_per_s: float) -> float:
    """By which all rates are multiplied where so much is usual for an app: the standard targets' steady load is
    60/s, and at the height of a spike four times that.
    """
    return usual_per_s / USUAL_OF_STANDARD_PER_S


def for_app(scenario: Scenario, factor: float, users: int | None = None) -> Scenario:
    """The scenario with visitors, its rates `factor` times as high. Users stay as many, or are in proportion to
    the most that there shall be.

    Raises PlanError for a scenario that is about the standard targets' own routes.
    """
    if own := sorted({phase.behaviour for phase in scenario.phases} - REPLACEABLE):
        raise PlanError(
            f"scenario {scenario.name!r} is about what the standard targets do ({', '.join(own)}); leave it out"
        )
    most = max((phase.users or 0 for phase in scenario.phases), default=0)
    share = 1.0 if users is None or not most else users / most
    return scenario.model_copy(
        update={
            "phases": tuple(_visited(phase, factor, share) for phase in scenario.phases),
            "checks": (*(check for check in scenario.checks if check.kind in WITHOUT_CONTRACT), *OF_APPS),
            "pool": {},
        }
    )


def _visited(phase: Phase, factor: float, share: float) -> Phase:
    arrivals = phase.arrivals and _scaled(phase.arrivals, factor)
    users = phase.users and max(1, round(phase.users * share))
    return phase.model_copy(update={"behaviour": "visitor", "arrivals": arrivals, "users": users})


def _scaled(arrivals: Arrivals, factor: float) -> Arrivals:
    to = arrivals.to_rate_per_s
    return arrivals.model_copy(
        update={"rate_per_s": arrivals.rate_per_s * factor, "to_rate_per_s": None if to is None else to * factor}
    )
