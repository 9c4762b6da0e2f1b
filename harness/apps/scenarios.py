"""Standard scenarios for an app: their shape and faults stay, their size and what is asked is the app's."""

from __future__ import annotations

from harness.errors import PlanError
from harness.locustfile import Inspected
from scenarios.model import Arrivals, Behaviour, Check, Phase, Scenario

REPLACEABLE = frozenset({"reader", "mixed", "holder", "prober", "visitor", "locustfile"})
"""Behaviours that are a load and no more."""
USUAL_OF_STANDARD_PER_S = 60.0
"""The steady load of `scenarios.baseline`."""
AS_WRITTEN = "as-written"
"""The scenario that runs a locustfile as it is."""
USUAL_LENGTH_S = 60.0
AS_WRITTEN_TIMEOUT_S = 60.0
"""Of a request that names none: as in Locust's own FastHttpUser."""
WITHOUT_CONTRACT = frozenset({"no-errors-outside-faults", "recovers-within", "fails-fast"})
"""Checks that need nothing of an app but answers."""
WITHOUT_PATHS: tuple[Check, ...] = (Check(kind="sessions-at-base"),)
"""In place of those that need the contract, where it is not known what may be read."""
OF_APPS: tuple[Check, ...] = (*WITHOUT_PATHS, Check(kind="answers-unchanged"))
"""The same where that is known."""


def factor_of(usual_per_s: float) -> float:
    """By which all rates are multiplied where so much is usual for an app: the standard targets' steady load is
    60/s, and at the height of a spike four times that.
    """
    return usual_per_s / USUAL_OF_STANDARD_PER_S


def for_app(
    scenario: Scenario, factor: float, users: int | None = None, behaviour: Behaviour = "visitor"
) -> Scenario:
    """The scenario with visitors, or users of a locustfile, its rates `factor` times as high. Users stay as many,
    or are in proportion to the most that there shall be.

    Raises PlanError for a scenario that is about the standard targets' own routes.
    """
    if own := sorted({phase.behaviour for phase in scenario.phases} - REPLACEABLE):
        raise PlanError(
            f"scenario {scenario.name!r} is about what the standard targets do ({', '.join(own)}); leave it out"
        )
    own_checks = OF_APPS if behaviour == "visitor" else WITHOUT_PATHS
    most = max((phase.users or 0 for phase in scenario.phases), default=0)
    share = 1.0 if users is None or not most else users / most
    return scenario.model_copy(
        update={
            "phases": tuple(_visited(phase, factor, share, behaviour) for phase in scenario.phases),
            "checks": (*(check for check in scenario.checks if check.kind in WITHOUT_CONTRACT), *own_checks),
            "pool": {},
        }
    )


def as_written(inspected: Inspected, length_s: float | None) -> Scenario:
    """A locustfile as it is: its own shape, or so many users, until the shape's end or for `length_s`."""
    shape, most_s = inspected.found.shape, length_s or USUAL_LENGTH_S
    if shape is None:
        behaviour: Behaviour = "locustfile"
        lasts_s, users = most_s, inspected.file.users
    else:
        behaviour = "load-shape"
        lasts_s = most_s if shape.length_s is None else min(shape.length_s, most_s)
        users = max(1, shape.most_users)
    return Scenario(
        name=AS_WRITTEN,
        title="As the locustfile says",
        question="How does the app stand the load that its own locustfile describes?",
        phases=(Phase(name="as-written", duration_s=lasts_s, users=users, behaviour=behaviour),),
        checks=(Check(kind="no-errors-outside-faults"), *WITHOUT_PATHS),
        request_timeout_s=AS_WRITTEN_TIMEOUT_S,
    )


def _visited(phase: Phase, factor: float, share: float, behaviour: Behaviour) -> Phase:
    arrivals = phase.arrivals and _scaled(phase.arrivals, factor)
    users = phase.users and max(1, round(phase.users * share))
    return phase.model_copy(update={"behaviour": behaviour, "arrivals": arrivals, "users": users})


def _scaled(arrivals: Arrivals, factor: float) -> Arrivals:
    to = arrivals.to_rate_per_s
    return arrivals.model_copy(
        update={"rate_per_s": arrivals.rate_per_s * factor, "to_rate_per_s": None if to is None else to * factor}
    )
