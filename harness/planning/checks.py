"""Whether what was asked for can be done: against the registries, the parts of the environment, and in bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from harness.environment.parts import BROUGHT_BY, KNOWN_PARTS
from harness.environment.ports import port_problem
from harness.errors import PlanError, shown, unknown_name
from harness.faults import FAULTS
from harness.load.workers import Workers
from harness.planning.wish import PlanFile
from harness.planning.wording import first_problem
from harness.records import intervals_of, reading_every_s
from harness.subject import Subject
from scenarios.model import FaultSpec, Phase, PoolOverrides, Scenario
from targets.known import KNOWN_TARGETS
from targets.settings import PoolSettings

DEFAULT_BIND = "127.0.0.1:5557"
"""Where workers started elsewhere find the load's master; Locust's own port."""
ANY_ADDRESS = "0.0.0.0"
MOST_REQUESTS = 50_000_000
"""That the open phases of one trial may send; one core takes half a day for them."""
SHORTEST_S = 0.01
"""Of a phase and a fault: what is over sooner is neither injected nor measured."""
MOST_TRIALS = 10_000
MOST_DAYS = 14
MOST_TICKS_OF_RUN = 180_000
"""At up to 0.7 kB for all gauges, what `reports.read` takes of a run: 128 MB."""
MOST_INTERVALS_OF_RUN = 720_000
"""Mixed load takes some 0.3 kB for each: what `reports.read` takes of a run is 256 MB."""
DAY_S = 86_400

_HOST_AND_PORT = re.compile(r"([0-9A-Za-z._-]+):([0-9]{1,5})")


def require_known(what: str, name: str, known: Iterable[str]) -> None:
    """Raises PlanError, with the nearest name, where there is no such thing."""
    if name not in known:
        raise PlanError(unknown_name(what, name, known))


def require_distinct(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names. Raises PlanError where one is there twice."""
    for name in names:
        if names.count(name) > 1:
            raise PlanError(f"{what} {shown(name)} is named twice; name it once (repetitions repeat it)")
    return names


def with_overrides(defaults: PoolSettings, overrides: PoolOverrides) -> PoolSettings:
    """Pool settings with some replaced. Raises PlanError for a name or value that no pool takes."""
    for name in overrides:
        require_known("pool setting", name, PoolSettings.model_fields)
    try:
        return defaults.with_overrides(overrides)
    except ValidationError as error:
        raise PlanError(f"pool settings: {first_problem(error, PoolSettings)}") from error


def check_scenario(scenario: Scenario, workers: Workers) -> None:
    """Raises PlanError for faults that cannot be injected, and for loads that are none or beyond bounds."""
    check_extent(scenario)
    for phase in scenario.phases:
        where = f"scenario {scenario.name!r}, phase {phase.name!r}"
        for spec in phase.faults:
            _check_fault(spec, where)
        if phase.arrivals is not None and _requests(phase) < 1:
            raise PlanError(
                f"{where}: {phase.arrivals.describe()} is less than one request in {phase.duration_s:g} s; "
                f"raise the rate or lengthen the phase"
            )
    if scenario.in_flight_cap < workers.count:
        raise PlanError(
            f"scenario.{scenario.name}: in_flight_cap {scenario.in_flight_cap} cannot be shared among "
            f"{workers.count} workers; raise it, or use fewer of them"
        )


def check_extent(scenario: Scenario) -> None:
    """Raises PlanError for lengths and numbers beyond bounds, of a scenario as written or as stretched."""
    for phase in scenario.phases:
        where = f"scenario {scenario.name!r}, phase {phase.name!r}"
        _check_length("phase", phase.duration_s, where)
        for spec in phase.faults:
            _check_length(f"fault {spec.kind!r}", spec.duration_s, where)
    requests = sum(map(_requests, scenario.phases))
    if requests > MOST_REQUESTS:
        raise PlanError(
            f"scenario {scenario.name!r} would send {requests:,.0f} requests in a trial, more than "
            f"{MOST_REQUESTS:,}; lower its rates or shorten it"
        )


def _check_fault(spec: FaultSpec, where: str) -> None:
    """Whether there is such a fault, with such settings, and its part can be had to take it."""
    if spec.kind not in FAULTS:
        raise PlanError(f"{where}: {unknown_name('fault', spec.kind, FAULTS)}")
    fault = FAULTS[spec.kind]
    try:
        fault(spec.settings)
    except ValidationError as error:
        raise PlanError(f"{where}, fault {spec.kind!r}: {first_problem(error, fault.Settings)}") from error
    if spec.part not in KNOWN_PARTS:
        raise PlanError(f"{where}, fault {spec.kind!r}: {unknown_name('part', spec.part, KNOWN_PARTS)}")
    if fault.needs not in KNOWN_PARTS[spec.part]:
        able = ", ".join(sorted(part for part, abilities in KNOWN_PARTS.items() if fault.needs in abilities))
        raise PlanError(
            f"{where}: the fault {spec.kind!r} cannot be done to {spec.part!r}; name one of the parts that can "
            f"take it: {able or 'none'}"
        )


def check_parts(scenarios: Iterable[Scenario], subjects: Sequence[Subject]) -> None:
    """Raises PlanError for a fault on a part that is there for none of the subjects."""
    there = {part for subject in subjects for part in subject.needs_parts}
    for scenario in scenarios:
        for phase in scenario.phases:
            for spec in phase.faults:
                brings = BROUGHT_BY.get(spec.part)
                if brings is not None and brings not in there:
                    able = ", ".join(
                        name for name, target in KNOWN_TARGETS.items() if brings in target.needs_parts
                    )
                    raise PlanError(
                        f"scenario {scenario.name!r}, phase {phase.name!r}: the fault {spec.kind!r} is done to "
                        f"{spec.part!r}, which no target of the plan has; add one that has ({able}), or leave the "
                        f"scenario out"
                    )


def _check_length(what: str, duration_s: float, where: str) -> None:
    if duration_s < SHORTEST_S:
        raise PlanError(f"{where}: a {what} of {duration_s:g} s is too short; {SHORTEST_S:g} s is the least")


def _requests(phase: Phase) -> float:
    """About how many requests an open phase sends; 0 of a closed one, whose users decide."""
    if phase.arrivals is None:
        return 0.0
    first_per_s = phase.arrivals.rate_per_s
    last_per_s = phase.arrivals.to_rate_per_s or first_per_s
    return (first_per_s + last_per_s) / 2 * phase.duration_s


def check_size(scenarios: Sequence[Scenario], trials_of_each: int, overhead_s: float) -> None:
    """Raises PlanError for a run that nobody would wait for, or whose gauges no report would read.

    `overhead_s` is what a trial takes beside its load.
    """
    trials = len(scenarios) * trials_of_each
    expected_s = trials_of_each * sum(scenario.duration_s + overhead_s for scenario in scenarios)
    if trials > MOST_TRIALS:
        raise PlanError(
            f"the plan has {trials:,} trials, more than {MOST_TRIALS:,}; take fewer repetitions, "
            f"scenarios or targets"
        )
    if expected_s > MOST_DAYS * DAY_S:
        raise PlanError(
            f"the plan would take {expected_s / DAY_S:,.0f} days, more than {MOST_DAYS}; take fewer trials, or "
            f"shorten them with duration_s"
        )
    ticks = trials_of_each * sum(
        (scenario.duration_s + scenario.drain_s) / reading_every_s(scenario) for scenario in scenarios
    )
    if ticks > MOST_TICKS_OF_RUN:
        raise PlanError(
            f"the plan would read its gauges {ticks:,.0f} times, and reports take {MOST_TICKS_OF_RUN:,}; make "
            f"several runs of it, or take fewer trials"
        )
    intervals = trials_of_each * sum(map(intervals_of, scenarios))
    if intervals > MOST_INTERVALS_OF_RUN:
        raise PlanError(
            f"the plan would write {intervals:,.0f} intervals of latencies, and reports take "
            f"{MOST_INTERVALS_OF_RUN:,}; make several runs of it, or lengthen its shortest faults"
        )


def settle_control(wish: PlanFile, targets: Sequence[str], preferred: str) -> str:
    """The target that the others are compared with. Raises PlanError where it is not among them."""
    control = wish.control or (preferred if preferred in targets else targets[0])
    if control not in targets:
        raise PlanError(
            f"control {unknown_name('target', control, targets)}; it must be among the targets that run"
        )
    return control


def settle_workers(wish: PlanFile) -> Workers:
    """How many load processes, and where they meet. Raises PlanError for an address that is none."""
    local, attached = wish.workers or 1, wish.attach or 0
    if not attached:
        if wish.bind:
            raise PlanError("bind is where attached workers connect to; say how many with attach")
        return Workers(local=local)
    bind = DEFAULT_BIND if wish.bind is None else wish.bind
    parts = _HOST_AND_PORT.fullmatch(bind)
    if parts is None:
        raise PlanError(f"bind: {shown(bind)} is no HOST:PORT; write it like {DEFAULT_BIND}")
    host, port = parts[1], int(parts[2])
    if problem := port_problem(port):
        raise PlanError(f"bind: {problem}")
    if host == ANY_ADDRESS:
        raise PlanError(
            f"bind: {host} is no address to connect to; name the one at which workers reach this machine"
        )
    return Workers(local=local, attached=attached, host=host, port=port)
