"""From a wish to an ordered list of trials: pure. Everything a plan can get wrong is found here, before any
process is started."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from harness.environment.ports import port_problem
from harness.errors import PlanError, unknown_name
from harness.faults import FAULTS
from harness.load.workers import SINGLE, Workers
from harness.records import TrialSpec
from harness.subject import Subject, standard_subject, twins
from scenarios.model import Check, Name, Phase, PoolOverrides, Scenario
from scenarios.registry import DEFAULT_SCENARIOS, SCENARIOS
from targets.registry import TARGETS, Target
from targets.settings import PoolSettings

QUICK_TARGETS = ("sync-pool", "async-pool", "no-pool")
QUICK_SCENARIOS = ("baseline", "latency", "dropped-connections", "exhaustion")
CONTROL = "sync-pool"
DEFAULT_BIND = "127.0.0.1:5557"
"""Where workers started elsewhere find the load's master; Locust's own port."""
ANY_ADDRESS = "0.0.0.0"
DEFAULT_SEED = 1
TRIAL_OVERHEAD_S = 2.5
"""What a trial takes beside its load: processes, database, checks; for the time that is left, no more."""


class ScenarioPatch(BaseModel):
    """`[scenario.NAME]` in a plan file: changes a registered scenario, or with `base` derives a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str | None = None
    title: str | None = None
    question: str | None = None
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] | None = None
    pool: PoolOverrides | None = None
    checks: tuple[Check, ...] | None = None
    request_timeout_s: float | None = None
    in_flight_cap: int | None = None
    drain_s: float | None = None


class PlanFile(BaseModel):
    """A plan as written in TOML; every field is optional, and the command line goes before it.

    `duration_s` is the length of each scenario; its phases and faults keep their shares of it. `aa` runs the
    control once more under another name in each block, so that the report can tell noise from difference; by
    default from the second repetition on, as a single pair shows little. Of the load processes, `workers` are
    started here and `attach` are expected from elsewhere, at `bind`: the master's port, and the address of this
    machine at which the targets listen as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: tuple[str, ...] | None = None
    scenarios: tuple[str, ...] | None = None
    repetitions: Annotated[int, Field(ge=1, le=1000)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    duration_s: Annotated[float, Field(ge=1, le=24 * 3600)] | None = None
    control: str | None = None
    aa: bool | None = None
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    attach: Annotated[int, Field(ge=0, le=64)] | None = None
    bind: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")] | None = None
    pool: PoolOverrides = Field(default_factory=dict)
    scenario: Mapping[Name, ScenarioPatch] = Field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What will be run. `trials` is in the order of running: block by block of one repetition, shuffled."""

    scenarios: tuple[Scenario, ...]
    targets: tuple[str, ...]
    repetitions: int
    seed: int
    control: str
    trials: tuple[TrialSpec, ...]
    pool: PoolOverrides = field(default_factory=dict)
    workers: Workers = SINGLE

    def scenario(self, name: str) -> Scenario:
        """The scenario as it will be run."""
        return next(scenario for scenario in self.scenarios if scenario.name == name)

    def target(self, name: str) -> Target:
        """The registered target behind a name of the plan: of the control's repeat, the control."""
        return TARGETS[self.same_as(name) or name]

    def same_as(self, name: str) -> str | None:
        """The control, where `name` is its repeat."""
        return self.control if name == repeat_of(self.control) else None

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is measured, in order."""
        return tuple(map(self.subject, self.targets))

    def subject(self, name: str) -> Subject:
        """What runs under a name of the plan."""
        subject = standard_subject(self.target(name))
        if repeat_of(self.control) not in self.targets or name not in (self.control, repeat_of(self.control)):
            return subject
        return next(twin for twin in twins(subject) if twin.name == name)

    def pool_settings(self, target: str, scenario: str) -> PoolSettings:
        """A target's pool under a scenario: its own defaults, then the plan's, then the scenario's overrides."""
        overrides = {**self.pool, **self.scenario(scenario).pool}
        return with_overrides(self.target(target).defaults, overrides)

    def expected_s(self, trials: Iterable[TrialSpec] | None = None) -> float:
        """About how long the given trials, or all, will take."""
        chosen = self.trials if trials is None else trials
        return sum(self.scenario(trial.scenario).duration_s + TRIAL_OVERHEAD_S for trial in chosen)


def repeat_of(control: str) -> str:
    """The name under which the control runs once more."""
    return f"{control}-twin"


def load_seed(seed: int, repetition: int) -> int:
    """What seeds the arrivals of a repetition of a run with `seed`: the same in each of its trials."""
    return seed * 1_000_003 + repetition


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan. Raises PlanError, in one line, for what is missing, not TOML or not a plan."""
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise PlanError(f"plan {path} cannot be read: {error.strerror}; check its name") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"plan {path} is not valid TOML: {error}; mend that place") from error
    return parse_plan(document, str(path))


def parse_plan(document: Mapping[str, Any], where: str) -> PlanFile:
    """Validate a plan that was read from `where`."""
    try:
        return PlanFile.model_validate(document)
    except ValidationError as error:
        raise PlanError(f"plan {where}: {first_problem(error, PlanFile)}") from error


def merge_wishes(plan_file: PlanFile, **given: Any) -> PlanFile:
    """A plan file with the command line's choices before it; what is None there was not chosen.

    `pool` is a list of `NAME=VALUE`, and adds to the file's. Raises PlanError.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    if "pool" in changes:
        changes["pool"] = {**plan_file.pool, **parse_pool_options(changes["pool"])}
    return parse_plan({**plan_file.model_dump(exclude_none=True), **changes}, "on the command line")


def parse_pool_options(options: Iterable[str]) -> PoolOverrides:
    """`["pool_size=5", "pre_ping=false"]` as settings. Raises PlanError for what has no `=`."""
    overrides: dict[str, int | float | bool] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise PlanError(f"--pool {option!r} has no value; write it as NAME=VALUE, such as pool_size=5")
        try:
            overrides[name] = _scalar(text)
        except ValueError:
            raise PlanError(f"--pool {name}: {text!r} is neither a number nor true or false; give one") from None
    return overrides


def _scalar(text: str) -> int | float | bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        return float(text)


def build_plan(wish: PlanFile, *, quick: bool = False) -> Plan:
    """Settle every choice, check it against the registries and lay out the trials.

    Raises PlanError for names that are unknown, faults that no registry has or whose settings are off, pool
    settings that no target takes, lists without an entry, and more workers than requests in flight.
    """
    scenarios = _settle_scenarios(wish, QUICK_SCENARIOS if quick else DEFAULT_SCENARIOS)
    targets = _distinct("target", wish.targets or (QUICK_TARGETS if quick else tuple(TARGETS)))
    for target in targets:
        _known("target", target, TARGETS)
    control = wish.control or (CONTROL if CONTROL in targets else targets[0])
    if control not in targets:
        raise PlanError(
            f"control {unknown_name('target', control, targets)}; it must be among the targets that run"
        )
    for overrides in (wish.pool, *(scenario.pool for scenario in scenarios)):
        for target in targets:
            with_overrides(TARGETS[target].defaults, overrides)
    seed = DEFAULT_SEED if wish.seed is None else wish.seed
    repetitions = wish.repetitions or 1
    if wish.aa if wish.aa is not None else repetitions > 1:
        targets = (*targets, repeat_of(control))
    workers = _settle_workers(wish)
    for scenario in scenarios:
        if scenario.in_flight_cap < workers.count:
            raise PlanError(
                f"scenario.{scenario.name}: in_flight_cap {scenario.in_flight_cap} cannot be shared among "
                f"{workers.count} workers; raise it, or use fewer of them"
            )
    return Plan(
        scenarios=scenarios,
        targets=targets,
        repetitions=repetitions,
        seed=seed,
        control=control,
        trials=_lay_out([scenario.name for scenario in scenarios], targets, repetitions, seed),
        pool=wish.pool,
        workers=workers,
    )


def _settle_workers(wish: PlanFile) -> Workers:
    local, attached = wish.workers or 1, wish.attach or 0
    if not attached:
        if wish.bind:
            raise PlanError("bind is where attached workers connect to; say how many with attach")
        return Workers(local=local)
    host, _, port = (wish.bind or DEFAULT_BIND).partition(":")
    if problem := port_problem(int(port)):
        raise PlanError(f"bind: {problem}")
    if host == ANY_ADDRESS:
        raise PlanError(
            f"bind: {host} is no address to connect to; name the one at which workers reach this machine"
        )
    return Workers(local=local, attached=attached, host=host, port=int(port))


def _lay_out(scenarios: list[str], targets: tuple[str, ...], repetitions: int, seed: int) -> tuple[TrialSpec, ...]:
    """Each repetition is a block that holds every pair once, in an order of its own."""
    rng = random.Random(seed)
    trials: list[TrialSpec] = []
    for repetition in range(1, repetitions + 1):
        block = [(scenario, target) for scenario in scenarios for target in targets]
        rng.shuffle(block)
        for scenario, target in block:
            index = len(trials) + 1
            trial_id = f"{index:03d}-{scenario}-{target}-r{repetition}"
            trials.append(
                TrialSpec(id=trial_id, index=index, scenario=scenario, target=target, repetition=repetition)
            )
    return tuple(trials)


def _settle_scenarios(wish: PlanFile, default: tuple[str, ...]) -> tuple[Scenario, ...]:
    known = dict(SCENARIOS)
    for name, patch in wish.scenario.items():
        known[name] = _patched(name, patch)
    names = _distinct("scenario", wish.scenarios or (tuple(wish.scenario) if wish.scenario else default))
    chosen = []
    for name in names:
        _known("scenario", name, known)
        scenario = known[name]
        check_faults(scenario)
        if wish.duration_s is not None:
            scenario = scenario.scaled(wish.duration_s / scenario.duration_s)
        chosen.append(scenario)
    return tuple(chosen)


def _patched(name: str, patch: ScenarioPatch) -> Scenario:
    base_name = patch.base or name
    if base_name not in SCENARIOS:
        hint = "" if patch.base else "; a new scenario names the one it starts from with `base`"
        raise PlanError(f"scenario.{name}: {unknown_name('scenario', base_name, SCENARIOS)}{hint}")
    changes = patch.model_dump(exclude_none=True, exclude={"base"})
    merged = {**SCENARIOS[base_name].model_dump(), **changes, "name": name}
    try:
        return Scenario.model_validate(merged)
    except ValidationError as error:
        raise PlanError(f"scenario.{name}: {first_problem(error, Scenario)}") from error


def check_faults(scenario: Scenario) -> None:
    """Raises PlanError where a fault's kind or one of its settings is not known."""
    for phase in scenario.phases:
        for spec in phase.faults:
            if spec.kind not in FAULTS:
                raise PlanError(
                    f"scenario {scenario.name!r}, phase {phase.name!r}: {unknown_name('fault', spec.kind, FAULTS)}"
                )
            try:
                FAULTS[spec.kind](spec.settings)
            except ValidationError as error:
                problem = first_problem(error, FAULTS[spec.kind].Settings)
                raise PlanError(
                    f"scenario {scenario.name!r}, phase {phase.name!r}, fault {spec.kind!r}: {problem}"
                ) from error


def with_overrides(defaults: PoolSettings, overrides: PoolOverrides) -> PoolSettings:
    """Pool settings with some replaced. Raises PlanError for a name or value that no pool takes."""
    for name in overrides:
        if name not in PoolSettings.model_fields:
            raise PlanError(unknown_name("pool setting", name, PoolSettings.model_fields))
    try:
        return defaults.with_overrides(overrides)
    except ValidationError as error:
        raise PlanError(f"pool settings: {first_problem(error, PoolSettings)}") from error


def _known(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise PlanError(unknown_name(what, name, known))


def _distinct(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if names.count(name) > 1:
            raise PlanError(f"{what} {name!r} is named twice; name it once (repetitions repeat it)")
    return names


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that a validation found, in one line: where, what, and for a field the nearest name."""
    # A misspelt field is also a missing one; the misspelling is what helps.
    problem = min(error.errors(), key=lambda candidate: candidate["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *path, name = problem["loc"]
        known = _fields_at(model, path)
        line = unknown_name("field", str(name), known) if known else f"unknown field {name!r}; remove it"
        return f"{'.'.join(str(part) for part in path)}: {line}" if path else line
    message = problem["msg"].removeprefix("Value error, ")
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    given = problem.get("input")
    shown = f", not {given!r}" if isinstance(given, (int, float, str)) else ""
    return f"{place}: {message}{shown}{more}" if place else f"{message}{more}"


def _fields_at(model: type[BaseModel], path: Iterable[Any]) -> list[str]:
    """Field names that are known at a place in a document validated by `model`."""
    schema: dict[str, Any] = TypeAdapter(model).json_schema()
    definitions = schema.get("$defs", {})
    node: dict[str, Any] = schema
    for part in path:
        node = _resolve(node, definitions)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            patterns = iter(node.get("patternProperties", {}).values())
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or next(patterns, {})
    return sorted(_resolve(node, definitions).get("properties", {}))


def _resolve(node: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Follow references, and of alternatives take the one that is an object or a list."""
    while True:
        if "$ref" in node:
            node = definitions[node["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in node:
            node = next((option for option in node["anyOf"] if option.get("type") != "null"), {})
        else:
            return node
