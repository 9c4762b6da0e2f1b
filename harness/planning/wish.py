"""What was asked for: a plan file and the command line, each value of a sensible kind, nothing settled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.apps.wish import AppWish, merged, settled_apps
from harness.errors import PlanError, shown
from harness.planning.document import MOST_64_BITS, check_document, read_document
from harness.planning.wording import first_problem
from scenarios.limits import Limits
from scenarios.model import Check, Flag, Name, Number, Phase, PoolOverrides, Question, Title, Whole

MOST_NAMES = 100
"""Targets, scenarios, and tables of scenarios."""

_Names = Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_NAMES)]


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ScenarioPatch(_Wish):
    """`[scenario.NAME]` in a plan file: changes a registered scenario, or with `base` derives a new one.

    What it replaces is held to its bounds when the two are put together.
    """

    base: str | None = None
    title: Title | None = None
    question: Question | None = None
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] | None = None
    pool: PoolOverrides | None = None
    checks: tuple[Check, ...] | None = None
    request_timeout_s: Number | None = None
    in_flight_cap: Whole | None = None
    drain_s: Number | None = None


class GateTable(_Wish):
    """`[gate]` in a plan file: what `poolstorm gate` takes where the command line says nothing.

    `install` is what installs a revision, in place of what its files suggest. `pairs` are how many there are
    before the first look and, where that decides nothing, in all.
    """

    scenarios: _Names | None = None
    pairs: tuple[Whole, Whole] | None = None
    install: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    install_within_s: Annotated[Number, Field(gt=0, le=3600)] | None = None


class PlanFile(_Wish):
    """A plan as written in TOML; every field is optional, and the command line goes before it.

    `duration_s` is the length of each scenario; its phases and faults keep their shares of it. `aa` runs the
    control twice in each block, as twins, so that the report can tell noise from difference; by default from the
    second repetition on, as a single pair shows little. Of the load processes, `workers` are started here and
    `attach` are expected from elsewhere, at `bind`: the master's port, and the address of this machine at which
    the targets listen as well. `app`, or each of `apps`, is measured in place of the targets; `targets` then names
    those of them and of their variants that run. `limits` are absolute ones, by scenario. With `route_costs` each
    route is asked by itself before the load, and what that costs is recorded; by default where a limit needs it.
    """

    targets: _Names | None = None
    scenarios: _Names | None = None
    repetitions: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    seed: Annotated[Whole, Field(ge=0, le=MOST_64_BITS)] | None = None
    duration_s: Annotated[Number, Field(ge=1, le=24 * 3600)] | None = None
    control: str | None = None
    aa: Flag | None = None
    workers: Annotated[Whole, Field(ge=1, le=64)] | None = None
    attach: Annotated[Whole, Field(ge=0, le=64)] | None = None
    bind: Annotated[str, Field(max_length=260)] | None = None
    pool: PoolOverrides = Field(default_factory=dict)
    app: AppWish | None = None
    apps: Annotated[Mapping[Name, AppWish], Field(max_length=MOST_NAMES)] = Field(default_factory=dict)
    scenario: Annotated[Mapping[Name, ScenarioPatch], Field(max_length=MOST_NAMES)] = Field(default_factory=dict)
    gate: GateTable = GateTable()
    limits: Annotated[Mapping[Name, Limits], Field(max_length=MOST_NAMES)] = Field(default_factory=dict)
    route_costs: Flag | None = None

    @property
    def all_apps(self) -> tuple[AppWish, ...]:
        """The apps to measure; none of a plan for the standard targets."""
        return tuple(self.apps.values()) if self.app is None else (self.app,)


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan; its apps run in its folder, or in those that they name from there.

    Raises PlanError, in one line, for what is missing, not TOML or not a plan.
    """
    read, folder = parse_plan(read_document(path), str(path)), path.parent.absolute()
    if read.app is not None:
        return read.model_copy(update={"app": read.app.beside(folder)})
    if read.apps:
        return read.model_copy(update={"apps": {name: app.beside(folder) for name, app in read.apps.items()}})
    return read


def parse_plan(document: Mapping[str, Any], where: str) -> PlanFile:
    """Validate a plan that was read from `where`. Raises PlanError."""
    check_document(document, where)
    try:
        found = PlanFile.model_validate(document)
    except ValidationError as error:
        raise PlanError(f"plan {where}: {first_problem(error, PlanFile)}") from error
    if not found.apps:
        return found
    try:
        return found.model_copy(update={"apps": settled_apps(found.app, found.apps)})
    except PlanError as error:
        raise PlanError(f"plan {where}: {error}") from error


def merge_wishes(plan_file: PlanFile, **given: Any) -> PlanFile:
    """A plan file with the command line's choices before it; what is None there was not chosen.

    `pool` is a list of `NAME=VALUE`, and adds to the file's. Raises PlanError.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    changes.pop("app", None)
    said = {name: value for name, value in (given.get("app") or {}).items() if value is not None}
    if said and plan_file.apps:
        raise PlanError("the plan has several apps; say there what each is given, not on the command line")
    if (app := merged(plan_file.app, said)) is not None:
        changes["app"] = app
    if "pool" in changes:
        changes["pool"] = {**plan_file.pool, **parse_pool_options(changes["pool"])}
    chosen = parse_plan(changes, "on the command line")
    return plan_file.model_copy(update={name: getattr(chosen, name) for name in chosen.model_fields_set})


def parse_pool_options(options: Iterable[str]) -> PoolOverrides:
    """`["pool_size=5", "pre_ping=false"]` as settings. Raises PlanError for what has no `=` or value, or two."""
    overrides: dict[str, int | float | bool] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise PlanError(f"--pool {shown(option)} has no value; write it as NAME=VALUE, such as pool_size=5")
        if name in overrides:
            raise PlanError(f"--pool {name[:40]} is given twice; give it once")
        try:
            overrides[name] = _scalar(text)
        except ValueError:
            raise PlanError(
                f"--pool {name[:40]}: {shown(text)} is neither a number nor true or false; give one"
            ) from None
    return overrides


def _scalar(text: str) -> int | float | bool:
    """As TOML would read it, in ASCII; `int` alone would take digits of any script."""
    if not text.isascii():
        raise ValueError(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
