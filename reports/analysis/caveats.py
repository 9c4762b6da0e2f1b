"""What limits the figures, and what to try next: typed, each with a stable code."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from harness.records import GeneratorReading, HostReading, InsideReading
from reports.analysis.breakdown import believed
from reports.analysis.folding import ALL, Observed
from reports.analysis.run_caveats import about_notes, about_run, about_trials
from reports.distribution import FEWEST_FOR_P99, FEWEST_FOR_P999
from reports.files import reason_of
from reports.read import Run, Trial
from reports.summary import Caveat, ScenarioResult
from scenarios.model import Scenario

LATE_MS = 50.0
"""A generator or a fault later than this is told of."""
NOTABLE_LAG_MS = 0.5
NOTABLE_LAG_SHARE = 0.1
"""So is a median response time above the median service time by more than both of these."""
BUSY_PERCENT = 90.0
STEAL_PERCENT = 2.0
FIRM_FOR_P99 = 1_000
FIRM_FOR_P999 = 10_000
"""Below these numbers a percentile rests on ten requests or fewer."""
MOST_PLACES = 6
"""More than these are not listed by name."""

Usable = Mapping[tuple[str, str], Sequence[Observed]]
"""The completed, valid trials by scenario and target."""


def caveats(
    run: Run, scenarios: Sequence[ScenarioResult], usable: Usable, proves_faults: bool
) -> tuple[Caveat, ...]:
    """All caveats, the gravest first; `proves_faults` as `reports.analysis.validity` has it."""
    of_scenarios = run.manifest.scenarios
    kinds: tuple[Callable[[], Iterable[Caveat]], ...] = (
        lambda: about_trials(run, scenarios),
        lambda: about_run(run),
        lambda: [_NO_PROOFS] if run.trials and not proves_faults else [],
        lambda: about_notes(usable),
        lambda: (caveat for scenario in of_scenarios for caveat in _about_pool_overrides(scenario)),
        lambda: _about_generator(of_scenarios, usable),
        lambda: _about_lag(scenarios),
        lambda: _about_faults(scenarios),
        lambda: _about_host(usable),
        lambda: _about_server_timing(usable),
        lambda: _about_settings(scenarios),
        lambda: _about_few_requests(scenarios),
    )
    return tuple(caveat for kind in kinds for caveat in _looked_into(kind))


def _looked_into(kind: Callable[[], Iterable[Caveat]]) -> Iterator[Caveat]:
    """A kind of caveat that cannot be worked out is told of, and takes no report down."""
    try:
        yield from list(kind())
    except Exception as error:
        yield Caveat(
            code="caveat-failed",
            scope="run",
            text=f"One kind of caveat could not be worked out ({type(error).__name__}: {reason_of(error)}).",
            advice="Please report this with the run folder: it is a fault of poolstorm's.",
        )


_NO_PROOFS = Caveat(
    code="no-proofs",
    scope="run",
    text="No probe checked that the faults took effect and ended, and no target was asked for right answers.",
    advice="The run was recorded by an older poolstorm; repeat it with this one to be sure of both.",
)


def _about_pool_overrides(scenario: Scenario) -> Iterator[Caveat]:
    if scenario.pool:
        listed = ", ".join(f"{name} = {value}" for name, value in scenario.pool.items())
        yield Caveat(
            code="pool-overrides",
            scope=scenario.name,
            text=f"This scenario sets {listed} in every target, whatever the target's own setting.",
            advice="Its latencies and refusals hold for that setting; do not carry them over to another.",
        )


def _told_once(code: str, found: Mapping[str, float], of: int, text: str, advice: str) -> Iterator[Caveat]:
    """One caveat for all places where something was found, of `of`; `text` may hold `{most}` and `{where}`."""
    if not found:
        return
    places = tuple(found)
    where = f"in {_and(places[:MOST_PLACES])}" + (
        f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    )
    if len(places) == of:
        where = "under every scenario and target"
    yield Caveat(
        code=code,
        scope=places[0] if len(places) == 1 else "run",
        text=text.format(most=max(found.values()), where="" if len(places) == 1 else f", {where}"),
        advice=advice,
        places=places,
    )


def _about_generator(scenarios: Sequence[Scenario], usable: Usable) -> Iterator[Caveat]:
    late_ms: dict[str, float] = {}
    kept_back: dict[str, float] = {}
    for scenario in scenarios:
        counting = {phase.name for phase in scenario.phases if not phase.warmup}
        for place, trials in _of_scenario(scenario.name, usable):
            readings = [trial.readings_of(GeneratorReading) for trial in trials]
            worst_ms = max((r.late_max_ms for of in readings for r in of if r.phase in counting), default=0.0)
            if worst_ms > LATE_MS:
                late_ms[place] = worst_ms
            count = sum(max((r.not_started_total for r in of), default=0) for of in readings)
            if count:
                kept_back[place] = count
    yield from _told_once(
        "generator-late",
        late_ms,
        len(usable),
        "The load generator started single requests up to {most:.0f} ms late{where}.",
        "Response times include that delay; compare service times, lower the rate or free the host.",
    )
    yield from _told_once(
        "not-started",
        kept_back,
        len(usable),
        "Up to {most:,.0f} requests were kept back because the cap on requests in flight was reached{where}.",
        "The offered load was lower than declared while the fault lasted; raise in_flight_cap to offer it all.",
    )


def _about_lag(scenarios: Sequence[ScenarioResult]) -> Iterator[Caveat]:
    """Medians that the generator raises by a tenth, but not by enough to make the trial invalid."""
    lag_ms: dict[str, float] = {}
    count = 0
    for scenario in scenarios:
        for target in scenario.targets:
            count += bool(target.phases)
            for phase in target.phases:
                response_ms, service_ms = phase.success.p50_ms, phase.service.p50_ms
                if phase.warmup or phase.operation != ALL or response_ms is None or service_ms is None:
                    continue
                if response_ms - service_ms > max(NOTABLE_LAG_MS, NOTABLE_LAG_SHARE * service_ms):
                    place = f"{scenario.name}/{target.target}"
                    lag_ms[place] = max(lag_ms.get(place, 0.0), response_ms - service_ms)
    yield from _told_once(
        "generator-lag",
        lag_ms,
        count,
        "The load generator's own lateness adds up to {most:.1f} ms, more than a tenth, to a median{where}.",
        "Compare service times there, or free the host and run it again.",
    )


def _of_scenario(name: str, usable: Usable) -> Iterator[tuple[str, list[Trial]]]:
    for (scenario, target), observed in usable.items():
        if scenario == name:
            yield f"{scenario}/{target}", [one.trial for one in observed]


def _about_faults(scenarios: Sequence[ScenarioResult]) -> Iterator[Caveat]:
    late: dict[str, float] = {}
    count = places = 0
    for scenario in scenarios:
        for target in scenario.targets:
            places += 1
            late_ms = [window.inject_late_ms for window in target.faults]
            late_ms += [window.heal_late_ms for window in target.faults if window.heal_late_ms is not None]
            if max(late_ms, default=0.0) > LATE_MS:
                late[f"{scenario.name}/{target.target}"] = max(late_ms)
                count += sum(value > LATE_MS for value in late_ms)
    yield from _told_once(
        "fault-late",
        late,
        places,
        f"{'1 injection or healing was' if count == 1 else f'{count} injections or healings were'} done more than "
        f"{LATE_MS:.0f} ms after the planned time, at worst {{most:.0f}} ms{{where}}.",
        "Windows follow the recorded times, so they are shorter or longer than planned; free the host.",
    )


def _about_host(usable: Usable) -> Iterator[Caveat]:
    busy: dict[str, float] = {}
    stolen: dict[str, float] = {}
    for (scenario, target), observed in usable.items():
        readings = [reading for one in observed for reading in one.trial.readings_of(HostReading)]
        if not readings:
            continue
        place = f"{scenario}/{target}"
        busy_percent = statistics.fmean(reading.cpu_percent for reading in readings)
        steal_percent = statistics.fmean(reading.steal_percent for reading in readings)
        if busy_percent > BUSY_PERCENT:
            busy[place] = busy_percent
        if steal_percent > STEAL_PERCENT:
            stolen[place] = steal_percent
    yield from _told_once(
        "host-busy",
        busy,
        len(usable),
        "The host's processors were up to {most:.0f} % busy on average{where}.",
        "Target, database and generator competed for them; lower the load or use a larger machine.",
    )
    yield from _told_once(
        "host-steal",
        stolen,
        len(usable),
        "Up to {most:.1f} % of the processors' time was taken by other guests of the physical host{where}.",
        "Repeat the run at a quieter time, or with more repetitions.",
    )


def _about_server_timing(usable: Usable) -> Iterator[Caveat]:
    """Where no header was believed there is no breakdown; where only some were, it rests on these."""
    doubted: dict[str, float] = {}
    absent: dict[str, float] = {}
    for (scenario, target), observed in usable.items():
        folds = [f for one in observed for (_, operation), f in one.fold.phases.items() if operation == ALL]
        successes, told = sum(fold.success.total for fold in folds), sum(map(believed, folds))
        if not told and any(one.trial.readings_of(InsideReading) for one in observed):
            continue  # what a probe tells stands in its place
        if successes and not told:
            absent[f"{scenario}/{target}"] = 0.0
        elif told < successes:
            doubted[f"{scenario}/{target}"] = 100 * (1 - told / successes)
    yield from _told_once(
        "server-timing-absent",
        absent,
        len(usable),
        "No Server-Timing could be believed{where}, so the breakdown of the response time is missing.",
        "Let the target send acquire, connect, ping and query; runs of an older poolstorm have none.",
    )
    yield from _told_once(
        "server-timing-untrusted",
        doubted,
        len(usable),
        "The Server-Timing of up to {most:.2g} % of the successes was absent, malformed or longer than the "
        "request, and not believed{where}.",
        "The breakdown rests on the others; look into the header that the target sends.",
    )


def _about_settings(scenarios: Sequence[ScenarioResult]) -> Iterator[Caveat]:
    """In short; the ledger has the values."""
    names = dict.fromkeys(
        row.name for scenario in scenarios if scenario.ledger for row in scenario.ledger.rows if row.differs
    )
    if names:
        yield Caveat(
            code="settings-differ",
            scope="run",
            text=f"The compared targets differ in {_and(tuple(names))}; the ledger lists the values.",
            advice="Where a difference is not the point of the comparison, make the settings equal.",
        )


def _and(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _about_few_requests(scenarios: Sequence[ScenarioResult]) -> Iterator[Caveat]:
    counts = [
        phase.success.count
        for scenario in scenarios
        for target in scenario.targets
        for phase in target.phases
        if phase.operation == "all" and not phase.warmup
    ]
    unsure_p99 = [count for count in counts if count < FIRM_FOR_P99]
    unsure_p999 = [count for count in counts if count < FIRM_FOR_P999]
    if not unsure_p999:
        return
    text = f"Of {len(counts)} phases, {len(unsure_p999)} have fewer than {FIRM_FOR_P999:,} successes"
    if unsure_p99:
        text += f" and {len(unsure_p99)} fewer than {FIRM_FOR_P99:,}"
    yield Caveat(
        code="few-requests",
        scope="run",
        text=f"{text}, so p99.9 (and p99) there rest on ten requests or fewer. Below {FEWEST_FOR_P99} requests "
        f"p99 is left out, below {FEWEST_FOR_P999:,} p99.9.",
        advice="Use longer phases, higher rates or more repetitions where the slowest requests matter.",
    )
