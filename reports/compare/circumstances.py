"""How the circumstances of two runs differ: machine, versions, settings, what was run and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from reports.summary import Caveat, RunInfo, ScenarioResult, Summary, TargetResult
from reports.wording import seconds

Value = str | int | float | bool | None

MACHINE = (
    "platform", "kernel", "cpu_model", "cpu_count", "memory_mib", "cpu_governor", "cpu_limit", "memory_limit_mib",
    "steal_known", "pressure_known",
)  # fmt: skip
VERSIONS = ("python", "postgres", "toxiproxy", "libpq", "gil")
PACKAGE = "package."
MOMENTARY = ("load_1m", "load_5m")
"""Never the same twice."""
_ADVISES = (
    "figures of time and of the processor advise and prove nothing, while counts that are the same in every "
    "repetition bind"
)


def pairing(a: RunInfo, b: RunInfo) -> str:
    """Why the repetitions of two runs are no pairs."""
    apart = _apart(abs(a.created_at - b.created_at))
    if any(a.environment.get(name) != b.environment.get(name) for name in MACHINE):
        return f"Not paired: machine and moment differ ({_machine(a)}; {_machine(b)}; {apart}), so {_ADVISES}."
    return f"Not paired: the moment differs ({apart}, on a machine of the same kind), so {_ADVISES}."


def _machine(run: RunInfo) -> str:
    return (
        f"{run.environment.get('cpu_model', 'unknown processor')}, {run.environment.get('cpu_count', '?')} cores"
    )


def _apart(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    for size, unit in ((60 * 24, "days"), (60, "h"), (1, "min")):
        if minutes >= 2 * size or (unit == "min" and minutes >= 1):
            return f"{minutes / size:.0f} {unit} apart"
    return "less than a minute apart"


def caveats(a: Summary, b: Summary, pairs: Sequence[tuple[str, TargetResult, TargetResult]]) -> tuple[Caveat, ...]:
    """What limits the comparison; `pairs` are the targets that both have, with their scenarios."""
    found = [*_environments(a.run, b.run), *_plans(a.run, b.run)]
    scenarios_b = {scenario.name: scenario for scenario in b.scenarios}
    for scenario in a.scenarios:
        if scenario.name in scenarios_b:
            found.extend(_scenario_caveats(scenario, scenarios_b[scenario.name]))
    return (*found, *_settings(pairs), *_own_caveats(a, b))


def _environments(a: RunInfo, b: RunInfo) -> Iterator[Caveat]:
    """The machine, the versions on it, and the rest, each in a line of its own."""
    kinds: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
        ("machine-differs", "Repeat both on one machine.", lambda name: name in MACHINE),
        (
            "versions-differ",
            "The difference may be theirs; repeat one of the runs with the other's versions to tell.",
            lambda name: name in VERSIONS or name.startswith(PACKAGE),
        ),
        (
            "environment-differs",
            "The difference may come from here; repeat one of the runs as the other was.",
            lambda name: name not in (*MACHINE, *VERSIONS, *MOMENTARY) and not name.startswith(PACKAGE),
        ),
    )
    for code, advice, belongs in kinds:
        of_a, of_b = (
            {name.removeprefix(PACKAGE): value for name, value in run.environment.items() if belongs(name)}
            for run in (a, b)
        )
        yield from differing(code, "run", of_a, of_b, advice)


def _plans(a: RunInfo, b: RunInfo) -> list[Caveat]:
    of_a, of_b = (_plan(run) for run in (a, b))
    return differing(
        "plan-differs", "run", of_a, of_b, "Repeat one of the runs with the other's --seed and --repetitions."
    )


def _plan(run: RunInfo) -> dict[str, Value]:
    return {"seed": run.seed, "repetitions": run.repetitions, "poolstorm": run.poolstorm_version}


def _settings(pairs: Sequence[tuple[str, TargetResult, TargetResult]]) -> Iterator[Caveat]:
    """Of each target; what holds under several scenarios is told once."""
    advice = "The ratio compares settings as much as versions; make them equal unless that is what you compare."
    places: dict[tuple[str, str], list[Caveat]] = {}
    for name, a, b in pairs:
        for one in differing("settings-differ", f"{name}/{a.target}", a.settings, b.settings, advice):
            places.setdefault((a.target, one.text), []).append(one)
    for (target, _), alike in places.items():
        several = {"scope": target, "places": tuple(one.scope for one in alike)} if len(alike) > 1 else {}
        yield alike[0].model_copy(update=several)


def _own_caveats(a: Summary, b: Summary) -> list[Caveat]:
    told = [
        f"{label} has caveats of its own: {', '.join(dict.fromkeys(caveat.code for caveat in summary.caveats))}."
        for label, summary in (("A", a), ("B", b))
        if summary.caveats
    ]
    if not told:
        return []
    return [
        Caveat(code="own-caveats", scope="run", text=" ".join(told), advice="Each run's report explains them.")
    ]


def _scenario_caveats(a: ScenarioResult, b: ScenarioResult) -> list[Caveat]:
    advice = "Phases that differ are not the same measurement; run both with the same scenario and durations."
    return [
        *differing("scenario-differs", a.name, _phases(a), _phases(b), advice),
        *differing("pool-overrides-differ", a.name, a.pool_overrides, b.pool_overrides, advice),
    ]


def _phases(scenario: ScenarioResult) -> dict[str, str]:
    """What was declared of each phase, in words that can be compared."""
    return {
        phase.name: f"{phase.load} {phase.behaviour} for {seconds(phase.duration_s)} s {'; '.join(phase.faults)}"
        for phase in scenario.phases
    }


def differing(code: str, scope: str, a: Mapping[str, Value], b: Mapping[str, Value], advice: str) -> list[Caveat]:
    """A caveat that lists what is not equal; none where nothing is."""
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    if not names:
        return []
    listed = ", ".join(f"{name} ({_shown(a.get(name))} / {_shown(b.get(name))})" for name in names)
    return [Caveat(code=code, scope=scope, text=f"The runs differ (A / B) in {listed}.", advice=advice)]


def _shown(value: Value) -> str:
    return "none" if value is None else str(value).strip()
