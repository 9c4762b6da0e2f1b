"""Run -> Seen: what a finished run counted, what held in it, and what varied, each at its place. Pure."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from harness.records import Environment, Manifest, Side, TargetInfo
from reports.analysis.limits import limit_results
from reports.analysis.validity import proves_faults
from reports.baseline.model import Job
from reports.gate.columns import Series
from reports.gate.limits import FEWEST_FOR_P50, FEWEST_FOR_P99
from reports.gate.model import ALL_ROUTES, Observed, Phase, PhaseKind, Place
from reports.gate.seeing import SPOILS_TIMES, Invariant, Lost, Told, Usable, invariants_of, phases_of, see
from reports.read import Run
from reports.summary import CheckVerdict, LimitResult
from scenarios.limits import Limits
from scenarios.model import Scenario

DIGEST_DIGITS = 16
_OF_HARNESS = "contract"
"""A capability of the standard targets, whose revision is poolstorm's own."""
_MEASURED = ("phases", "pool", "request_timeout_s", "in_flight_cap", "drain_s")
_OFFERED = ("rate_per_s", "to_rate_per_s", "users")
"""Of a phase: how much; where that was found out by calibration it is another each time."""
_DIGITS = 9
"""Counts a request are quotients; beyond this they differ by rounding alone."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A target under a scenario."""

    target: str
    scenario: str


@dataclass(frozen=True, slots=True)
class Varied:
    """A figure of one run that varies by machine or by chance, and its unit."""

    value: float
    unit: str


@dataclass
class Seen:
    """What a run says. `planned` are all that were to be run, `usable` those with a trial that can be used.

    `counts` are what one request of a route cost in each trial that could tell.
    """

    job: Job
    configurations: Mapping[str, str]
    planned: tuple[Pair, ...] = ()
    usable: set[Pair] = field(default_factory=set)
    lost: list[tuple[Pair, str]] = field(default_factory=list)
    counts: dict[Series, tuple[float, ...]] = field(default_factory=dict)
    invariants: dict[Series, Invariant] = field(default_factory=dict)
    varied: dict[Series, Varied] = field(default_factory=dict)
    limits: list[tuple[Pair, LimitResult]] = field(default_factory=list)
    broken_before: str = ""  # of a gate: why its head could not be measured at all


def seen_in(run: Run) -> Seen:
    """Everything a baseline may hold of a run. Of a gate's folder it is the head that counts."""
    manifest = run.manifest
    configurations = {one.name: configuration_of(one, manifest) for one in manifest.scenarios}
    titles = dict(_titles(manifest))
    proves, trials = proves_faults(run.trials), {trial.record.spec.id: trial for trial in run.trials}
    scenarios = {one.name: one for one in manifest.scenarios}
    grouped: dict[Pair, list[Usable | Lost]] = defaultdict(list)
    for spec in manifest.trials:
        if spec.target in titles:
            one = see(spec, trials.get(spec.id), scenarios[spec.scenario], proves, SPOILS_TIMES)
            grouped[Pair(titles[spec.target], spec.scenario)].append(one)
    found = Seen(_job(manifest, configurations), configurations, tuple(grouped))
    found.broken_before = "" if manifest.gate is None else manifest.gate.broken_before
    for pair, of in grouped.items():
        lost = [one for one in of if isinstance(one, Lost)]
        found.lost += [(pair, one.reason) for one in lost]
        usable = [one for one in of if isinstance(one, Usable)]
        if usable:
            found.usable.add(pair)
            _read(found, pair, usable, manifest.limits.get(pair.scenario))
        elif pair.scenario in manifest.limits:
            found.limits += [(pair, result) for result in limit_results(manifest.limits[pair.scenario], [])]
        for breach in (breach for one in lost for breach in one.breaches):
            series = Series(breach.name, Place(pair.target, pair.scenario))
            found.invariants[series] = Invariant(breach.name, CheckVerdict.BROKEN, breach.said)
    return found


def _titles(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Names that count, and what a baseline calls them: neither twins nor a gate's base."""
    for info in manifest.targets:
        if manifest.gate is not None:
            if info.place is not None and info.place.side is Side.HEAD:
                yield info.name, info.title
        elif info.repeats is None:
            yield info.name, info.name


def _read(found: Seen, pair: Pair, usable: Sequence[Usable], limits: Limits | None) -> None:
    phases = [
        (one, dict(phases_of(one.observed, _told(one), climbed=one.climbed, late=one.was_late))) for one in usable
    ]
    counts: dict[Series, list[float]] = defaultdict(list)
    varied: dict[Series, list[Varied]] = defaultdict(list)
    for one, by_stretch in phases:
        for stretch, phase in by_stretch.items():
            place = Place(pair.target, pair.scenario, stretch.phase)
            for series, value in _counted(place, phase):
                counts[series].append(value)
            for series, told in chain(_under_load(place, phase), () if one.was_late else _clocks(place, phase)):
                varied[series].append(told)
    found.counts |= {series: tuple(values) for series, values in counts.items()}
    found.varied |= {
        series: Varied(statistics.median(one.value for one in told), told[0].unit)
        for series, told in varied.items()
    }
    found.invariants |= _invariants(pair, usable)
    if limits is not None:
        observed = [one.observed for one in usable]
        timely = [one.observed for one in usable if not one.was_late]
        found.limits += [(pair, result) for result in limit_results(limits, observed, timely)]


def _told(one: Usable) -> Told:
    """Where a trial has enough requests for a p99."""
    return frozenset(
        (one.spec.scenario, phase, route)
        for (phase, route), fold in one.observed.fold.phases.items()
        if fold.success.total >= FEWEST_FOR_P99
    )


def _counted(place: Place, phase: Phase) -> Iterator[tuple[Series, float]]:
    """Routes that were asked by themselves; what all requests cost under load is chance's, too."""
    for route, observed in phase.routes.items():
        if route != ALL_ROUTES:
            for metric, value in observed.counts.items():
                yield _at(place, metric, route), round(value, _DIGITS)


def _under_load(place: Place, phase: Phase) -> Iterator[tuple[Series, Varied]]:
    for metric, value in phase.routes.get(ALL_ROUTES, Observed(0)).counts.items():
        yield _at(place, metric), Varied(value, "a request")


def _clocks(place: Place, phase: Phase) -> Iterator[tuple[Series, Varied]]:
    if phase.cpu_ms_per_request:
        yield _at(place, "cpu"), Varied(phase.cpu_ms_per_request, "ms")
    if phase.recovery is not None:
        yield _at(place, "recovery"), Varied(phase.recovery.seconds, "s")
    if phase.kind is PhaseKind.SATURATING:  # latency is queueing there
        if phase.throughput_per_s:
            yield _at(place, "throughput"), Varied(phase.throughput_per_s, "/s")
        return
    for route, observed in phase.routes.items():
        quantiles, successes = observed.successes, observed.requests - observed.errors
        if quantiles.p50_ms is not None and successes >= FEWEST_FOR_P50:
            yield _at(place, "p50", route), Varied(quantiles.p50_ms, "ms")
        if quantiles.p99_ms is not None:
            yield _at(place, "p99", route), Varied(quantiles.p99_ms, "ms")


def _at(place: Place, metric: str, route: str = ALL_ROUTES) -> Series:
    return Series(metric, Place(place.target, place.scenario, place.phase, route))


def _invariants(pair: Pair, usable: Sequence[Usable]) -> dict[Series, Invariant]:
    """The worst of all trials speaks; with what some could tell, it is told."""
    order = (CheckVerdict.BROKEN, CheckVerdict.PASSED, CheckVerdict.UNDECIDED)
    found: dict[Series, Invariant] = {}
    for one in usable:
        for invariant in invariants_of(one):
            series = Series(invariant.name, Place(pair.target, pair.scenario))
            before = found.get(series)
            if before is None or order.index(invariant.verdict) < order.index(before.verdict):
                found[series] = invariant
    return found


def configuration_of(scenario: Scenario, manifest: Manifest) -> str:
    """A digest of what was done: not of what it is called, nor of how a pool is set, which may be the change."""
    declared = scenario.model_dump(mode="json", include=set(_MEASURED), exclude_defaults=True)
    if manifest.calibration is not None:
        for phase in declared["phases"]:
            for part in (phase, phase.get("arrivals") or {}):
                for name in _OFFERED:
                    part.pop(name, None)
    locustfile = manifest.locustfile and manifest.locustfile.sha256
    return _digest([declared, locustfile])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGEST_DIGITS]


def _job(manifest: Manifest, configurations: Mapping[str, str]) -> Job:
    return Job(
        run=manifest.run_id,
        created_at=manifest.created_at.replace(microsecond=0),
        poolstorm=manifest.poolstorm_version,
        revision=_revision(manifest),
        machine=machine_of(manifest.environment),
        configuration=_digest(configurations),
    )


def _revision(manifest: Manifest) -> str | None:
    """The head's of a gate; of standard targets that of poolstorm, which they belong to; of apps none is known."""
    if manifest.gate is not None:
        return manifest.gate.head.revision
    if not all(map(_is_standard, manifest.targets)):
        return None
    revision = manifest.environment.git_revision
    return f"{revision}, changed" if revision and manifest.environment.git_dirty else revision


def _is_standard(info: TargetInfo) -> bool:
    return _OF_HARNESS in info.capabilities or bool(info.driver)


def machine_of(environment: Environment) -> str:
    """What tells machines apart whose clocks must not be compared; no name and no address."""
    limit = f", limited to {environment.cpu_limit:g}" if environment.cpu_limit else ""
    memory = f"{round(environment.memory_mib / 1024)} GiB"
    return f"{environment.cpu_model}, {environment.cpu_count} cores{limit}, {memory}, {environment.platform}"
