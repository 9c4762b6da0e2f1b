"""Absolute limits as a plan file has them: whether they can hold for what runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.errors import PlanError, unknown_name
from scenarios.limits import Limits
from scenarios.model import Scenario


def settle_limits(
    wanted: Mapping[str, Limits], scenarios: Sequence[Scenario], known: Iterable[str]
) -> Mapping[str, Limits]:
    """Those of the scenarios that run; one for another scenario that is `known` is for other runs.

    Raises PlanError for a scenario or a phase that there is not, and for a phase that counts for nothing.
    """
    by_name = {scenario.name: scenario for scenario in scenarios}
    every = {*by_name, *known}
    for name, limits in wanted.items():
        if name not in every:
            raise PlanError(f"limits: {unknown_name('scenario', name, every)}")
        if name in by_name:
            _check_phases(by_name[name], limits)
    return {name: wanted[name] for name in by_name if name in wanted}


def _check_phases(scenario: Scenario, limits: Limits) -> None:
    phases = {phase.name: phase for phase in scenario.phases}
    for name in limits.phases or ():
        where = f"limits.{scenario.name}.phases"
        if name not in phases:
            raise PlanError(f"{where}: {unknown_name('phase', name, phases)}")
        if phases[name].warmup:
            raise PlanError(f"{where}: {name!r} is warm-up, which counts for nothing; leave it out")


def counts_routes(wanted: bool | None, limits: Mapping[str, Limits]) -> bool:
    """Whether each route is asked by itself: where that is wanted, or a limit needs it. Raises PlanError for both
    a limit that does and the wish not to.
    """
    needing = [name for name, of in limits.items() if of.asks_for_route_costs]
    if needing and wanted is False:
        raise PlanError(
            f"limits.{needing[0]}: round_trips_per_request needs every route to be asked by itself; leave it "
            "out, or --no-route-costs"
        )
    return bool(wanted or needing)
