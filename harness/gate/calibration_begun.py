"""What a calibration was asked for, fixed before its first gate and held to afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.apps.locustfile import look_into
from harness.apps.wish import AppWish
from harness.environment.facts import own_revision, package_versions, python_version, this_machine
from harness.errors import PlanError, shown
from harness.gate.announcing import announced, first_look, two_numbers
from harness.gate.calibrating import Settled, seed_of
from harness.gate.calibration_store import CalibrationStore
from harness.gate.calibration_words import given_words, same_words, words_as_json
from harness.gate.design import design_of
from harness.gate.revisions_repository import HEAD, NOT_OF_THE_APP, find_repository, require_clean, same_twice
from harness.gate.two import two_sides
from harness.gate.wish import USUAL_PAIRS, USUAL_SCENARIO, GateWish, SideWish, settle_gate
from harness.locustfile import Inspected
from harness.options import chosen_wish, new_id
from harness.plan import CONTROL, DEFAULT_SEED, Plan
from harness.planning.wish import PlanFile
from harness.preview import print_plan
from harness.records import CalibrationKind, CalibrationPlan, GateCalibration, Plant
from harness.terminal import minutes
from harness.terminal import say as tell
from targets.planted.registry import ONE_STATEMENT_MORE

BASE_LATENCY_MS, HEAD_LATENCY_MS = 20, 22
"""So far away that a tenth more of it is a tenth more of a request; Toxiproxy takes whole milliseconds."""
PART_OF_ONE = "this gate is one of a calibration's"


@dataclass(frozen=True)
class Asked:
    """What each gate is. `built` says that both sides are checked out and installed for each; `wish` is then what
    they are where they lie.
    """

    plan_file: PlanFile
    wish: GateWish
    built: bool
    revision: str | None
    allow_dirty: bool
    beside: tuple[str, ...]  # its own folder, where that is in the app's
    plant: Plant | None
    locustfile: Inspected | None

    @property
    def sides(self) -> GateWish:
        """As `two_sides` takes them: what is to be built is not named."""
        if not self.built:
            return self.wish
        base, head = self.wish.base, self.wish.head
        return replace(
            self.wish, base=SideWish(latency_ms=base.latency_ms), head=SideWish(latency_ms=head.latency_ms)
        )

    def settle(self) -> Plan:
        """One gate of them, as it lies there."""
        return settle_gate(self.plan_file, self.wish, locustfile=self.locustfile)


def begun(
    kind: str,
    given: Mapping[str, Any],
    folder: Path,
    before: GateCalibration | None,
    say: Callable[[str], object],
) -> tuple[CalibrationStore, Callable[[int], Any]]:
    """The folder of a calibration that goes on, or begins now, and what builds one gate of it.

    Raises PlanError where what was fixed would change.
    """
    words = given_words(given) if before is None else same_words(given, folder)
    if before is not None and before.plan.kind != kind:
        raise PlanError(
            f"{folder} holds a calibration of kind {before.plan.kind}; poolstorm calibrate {before.plan.kind} "
            "goes on with it"
        )
    gates = _gates(given["gates"], before, folder)
    asked = asked_for(kind, words, before.plan.revision if before else None, folder)
    plan = _fixed(kind, gates, asked)
    if before is None:
        store = CalibrationStore.create(folder, GateCalibration(plan=plan), words_as_json(words))
        say(f"{gates} gates of {announced(asked.settle())}")
    else:
        _require_same(before.plan, plan, folder)
        store = CalibrationStore(folder, before)
        say(f"{len(before.outcomes)} of {gates} gates are there")
    return store, partial(_settled, asked, store.calibration.plan.seed, say)


def preview(kind: str, given: Mapping[str, Any]) -> None:
    """Say what would be run; start nothing."""
    asked, gates = asked_for(kind, given_words(given)), given["gates"]
    settled = asked.settle()
    print_plan(first_look(settled))
    assert settled.gate is not None
    longest_s = settled.expected_s()
    many = "" if gates is None else f"; {gates} gates take {minutes(gates * longest_s)} at most"
    tell(f"each gate is {announced(settled)}{many}")


def asked_for(
    kind: str, words: Mapping[str, Any], revision: str | None = None, folder: Path | None = None
) -> Asked:
    """`revision` is that of a calibration that goes on, `folder` its own. Raises PlanError."""
    plan_file = chosen_wish(
        Path(words["plan"]) if words.get("plan") else None,
        seed=words.get("seed"),
        duration_s=words.get("duration"),
        pool=words.get("pool"),
        app={
            "run": words.get("app_run"),
            "env": words.get("env"),
            "ready": words.get("ready"),
            "setup": words.get("setup"),
            "get": words.get("get"),
            "rate_per_s": words.get("rate"),
            "probe": words.get("probe"),
            "locustfile": words.get("locustfile"),
        },
    )
    apps = plan_file.all_apps
    name = words.get("base") or (apps[0].name if apps else CONTROL)
    beside = _beside(folder, apps)
    built, revision = _revision(plan_file, words, revision, beside)
    plant = _plant(words, name, is_app=bool(apps)) if kind == CalibrationKind.POWER else None
    base, head = (plant.base_latency_ms, plant.head_latency_ms) if plant else (0, 0)
    wish = GateWish(
        base=SideWish(name, latency_ms=base),
        head=SideWish((plant and plant.head) or name, latency_ms=head),
        pairs=two_numbers(words["pairs"]) if words.get("pairs") else plan_file.gate.pairs or USUAL_PAIRS,
        scenarios=tuple(words.get("scenario") or plan_file.gate.scenarios or (USUAL_SCENARIO,)),
    )
    return Asked(
        plan_file=plan_file,
        wish=wish,
        built=built,
        revision=revision,
        allow_dirty=bool(words.get("allow_dirty")),
        beside=beside,
        plant=plant,
        locustfile=look_into(apps, plan_file.duration_s),
    )


def _beside(folder: Path | None, apps: Sequence[AppWish]) -> tuple[str, ...]:
    if folder is None or not apps:
        return ()
    inside, of = folder.resolve(), Path(apps[0].directory or Path.cwd()).resolve()
    return (inside.relative_to(of).as_posix(),) if inside != of and inside.is_relative_to(of) else ()


def _revision(
    plan_file: PlanFile, words: Mapping[str, Any], revision: str | None, beside: Sequence[str]
) -> tuple[bool, str | None]:
    """Whether both sides are built, as for `--base-ref`, and of which revision: an app's, where it lies in a
    repository and none of several, or of its variants, was named.
    """
    reference = words.get("base_ref")
    if len(plan_file.all_apps) != 1 or words.get("base"):
        if reference:
            raise PlanError("--base-ref builds revisions of one app; describe it in poolstorm.toml, or with --app")
        return False, None
    folder = Path(plan_file.all_apps[0].directory or Path.cwd())
    try:
        repository = find_repository(folder)
    except PlanError as error:
        if reference:
            raise
        tell(f"both sides are run as they lie there: {error}", error=True)
        return False, None
    if not words.get("allow_dirty"):
        require_clean(repository, (*NOT_OF_THE_APP, *beside))
    return True, revision or same_twice(repository, reference or HEAD)[0].sha


def _plant(words: Mapping[str, Any], name: str, *, is_app: bool) -> Plant:
    latencies = words.get("base_latency"), words.get("head_latency")
    if words.get("plant") == "statement":
        if latencies != (None, None):
            raise PlanError("--plant statement takes no latencies; leave out --base-latency and --head-latency")
        if is_app or name not in ONE_STATEMENT_MORE:
            raise PlanError(
                f"there is no twin of {shown(name)} with one more statement a request, only of "
                f"{', '.join(ONE_STATEMENT_MORE)}; name one of these with --base"
            )
        return Plant(kind="statement", head=ONE_STATEMENT_MORE[name])
    base, head = latencies
    base_ms = BASE_LATENCY_MS if base is None else base
    head_ms = HEAD_LATENCY_MS if head is None else head
    if head_ms <= base_ms:
        raise PlanError(
            f"--head-latency {head_ms} is no more than --base-latency {base_ms}; nothing would be planted"
        )
    return Plant(kind="latency", base_latency_ms=base_ms, head_latency_ms=head_ms)


def _gates(given: int | None, before: GateCalibration | None, folder: Path) -> int:
    if before is None:
        if given is None:
            raise PlanError("say how many gates with -n: how many are run is fixed before the first")
        return given
    if given not in (None, before.plan.gates):
        raise PlanError(
            f"{folder} was begun with -n {before.plan.gates}, which was fixed before its first gate; another "
            "number needs another folder"
        )
    return before.plan.gates


def _fixed(kind: str, gates: int, asked: Asked) -> CalibrationPlan:
    settled = asked.settle()
    return CalibrationPlan(
        calibration_id=new_id(f"{kind}-"),
        created_at=datetime.now(UTC),
        kind=CalibrationKind(kind),
        gates=gates,
        seed=DEFAULT_SEED if asked.plan_file.seed is None else asked.plan_file.seed,
        design=design_of(settled, asked.plan_file, asked.wish),
        revision=asked.revision,
        plant=asked.plant,
        machine=this_machine(),
        python=python_version(),
        packages=package_versions(),
        poolstorm_version=version("poolstorm"),
        poolstorm_revision=own_revision(),
    )


def _require_same(was: CalibrationPlan, now: CalibrationPlan, folder: Path) -> None:
    """Gates of a calibration are of one kind, on one machine, with the same of everything. A later commit of
    poolstorm itself is told of each gate, and not refused.
    """
    differing = sorted(
        name
        for name in was.packages.keys() | now.packages.keys()
        if was.packages.get(name) != now.packages.get(name)
    )
    for what, before, here in (
        ("seed", was.seed, now.seed),
        ("plan, scenarios, pairs or subject", was.design, now.design),
        ("planted shift", was.plant, now.plant),
        ("machine", str(was.machine), str(now.machine) if was.machine.is_like(now.machine) else f"{now.machine} "),
        ("poolstorm", was.poolstorm_version, now.poolstorm_version),
        ("Python", was.python, now.python),
        *((name, was.packages.get(name), now.packages.get(name)) for name in differing),
    ):
        if before != here:
            told = f" ({before}, and here {here})" if isinstance(before, str | int) else ""
            raise PlanError(
                f"{folder} was begun with another {what}{told}; bring that back, or begin another folder"
            )


@contextmanager
def _settled(asked: Asked, seed: int, say: Callable[[str], object], number: int) -> Iterator[Settled]:
    plan_file = asked.plan_file.model_copy(update={"seed": seed_of(seed, number)})
    with two_sides(
        plan_file,
        asked.sides,
        asked.revision if asked.built else None,
        allow_dirty=asked.allow_dirty,
        twice=asked.built,
        beside=asked.beside,
        say=say,
    ) as sides:

        def at(usual_per_s: float | None = None) -> Plan:
            plan = settle_gate(plan_file, sides, usual_per_s=usual_per_s, locustfile=asked.locustfile)
            assert plan.gate is not None
            return replace(plan, gate=plan.gate.model_copy(update={"not_calibrated": PART_OF_ONE}))

        yield Settled(at(), at)
