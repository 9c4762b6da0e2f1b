"""What a plan would do, told before anything is started: `--dry-run`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from rich.table import Table

from harness.apps.scenarios import AS_WRITTEN
from harness.plain import plain
from harness.plan import ASSUMED_PER_S, Plan
from harness.subject import Subject
from harness.terminal import minutes, output_console
from scenarios.model import FaultSpec, Phase, Scenario
from targets.settings import PoolSettings

MOST_TRIALS_SHOWN = 100
_RATES = (
    f"The rates are those of an app for which {ASSUMED_PER_S:g}/s are usual: before the trials it is found out "
    "what it bears, and a share of that takes their place (--rate sets it). "
)
Rows = Sequence[tuple[str, ...]]


def print_plan(plan: Plan) -> None:
    """Its scenarios phase by phase, its targets with their pools, its trials in order, and how long it takes."""
    console = output_console()
    for title, headings, rows in (
        ("Scenarios", ("Scenario", "Phase", "Length", "Load", "Faults"), _scenario_rows(plan.scenarios)),
        ("Targets", ("Target", "Driver", "Pool", ""), _subject_rows(plan)),
        ("Apps", ("App", "", ""), _app_rows(plan.subjects)),
        ("Trials", ("Trial", "Scenario", "Target", "Repetition"), _trial_rows(plan)),
    ):
        if not rows:
            continue
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in headings:
            table.add_column(heading, style="bold" if heading == headings[0] else None)
        for row in rows:
            table.add_row(*map(plain, row))
        console.print(table)
        console.print()
    for line in (*locustfile_lines(plan), summary(plan)):
        console.print(plain(line), highlight=False, markup=False)


def summary(plan: Plan) -> str:
    """One line: how many trials, how long, and by what they are laid out."""
    workers = plan.workers.count
    load = "" if workers == 1 else f", the load of {workers} processes"
    return (
        f"{len(plan.trials)} trials, about {minutes(plan.expected_s())}; seed {plan.seed}, compared with "
        f"{plan.control}{load}. {_RATES if plan.rates_assumed else ''}Nothing was started."
    )


def locustfile_lines(plan: Plan) -> list[str]:
    """Who puts the load on where a locustfile does, and what becomes of its own shape."""
    if plan.locustfile is None:
        return []
    lines, shape = [f"the load comes from {plan.locustfile.describe()}"], plan.locustfile.found.shape
    written = next((scenario for scenario in plan.scenarios if scenario.name == AS_WRITTEN), None)
    if shape is not None and any(scenario.name != AS_WRITTEN for scenario in plan.scenarios):
        lines.append(f"its {shape.name} is left aside where a scenario has a shape of its own")
    if shape is not None and written is not None:
        length = (
            f"{shape.length_s:g} s" if shape.length_s is not None else "of a length that is not known beforehand"
        )
        cut = shape.length_s is None or shape.length_s > written.duration_s
        ends = f", cut at {written.duration_s:g} s (--duration)" if cut else ""
        lines.append(
            f"{AS_WRITTEN} is its {shape.name}, {length}{ends}{'; ' if shape.remark else ''}{shape.remark}"
        )
    return lines


def _scenario_rows(scenarios: Sequence[Scenario]) -> Rows:
    rows: list[tuple[str, ...]] = []
    for scenario in scenarios:
        for number, phase in enumerate(scenario.phases):
            name = "" if number else scenario.name
            rows.append((name, phase.name, f"{phase.duration_s:g} s", _load(phase), _faults(phase)))
        if scenario.pool:
            pool = ", ".join(f"{setting}={value}" for setting, value in scenario.pool.items())
            rows.append(("", "", "", "", f"pool of every target: {pool}"))
    return rows


def _load(phase: Phase) -> str:
    return f"{phase.describe_load()}, {phase.behaviour}{', warm-up' if phase.warmup else ''}"


def _faults(phase: Phase) -> str:
    return "; ".join(_fault(fault) for fault in phase.faults)


def _fault(fault: FaultSpec) -> str:
    settings = "".join(f" {name}={value}" for name, value in fault.settings.items())
    return f"{fault.kind}{settings} on {fault.part}, {fault.at_s:g} to {fault.ends_at_s:g} s"


def _subject_rows(plan: Plan) -> Rows:
    return [
        (
            subject.name,
            subject.driver,
            pool_text(subject.settings) if subject.launch.is_ours else "its own",
            _role(plan, subject),
        )
        for subject in plan.subjects
    ]


def _app_rows(subjects: Sequence[Subject]) -> Rows:
    """How each app is started and set up; of its variables the names, and the values that are told here only."""
    rows: list[tuple[str, ...]] = []
    for subject in subjects:
        launch = subject.launch
        if launch.is_ours:
            continue
        told = (
            ("run", _line(launch.command)),
            ("in", str(launch.directory)),
            *(("with", f"{name}={value}") for name, value in map(_variable, launch.environment.items())),
            ("set up by", _line(launch.setup)),
            (
                "ready when",
                f"{launch.readiness.path or 'anything'} answers within {launch.readiness.within_s:g} s",
            ),
            ("inside", "a probe in its Python processes" if launch.probe else "not looked into"),
        )
        shown = [(what, text) for what, text in told if text]
        rows += [(subject.name if number == 0 else "", what, text) for number, (what, text) in enumerate(shown)]
    return rows


def _line(words: Sequence[str]) -> str:
    """As one would type it; places in braces as they are."""
    return " ".join(word if re.fullmatch(r"[\w@%+=:,./{}-]+", word) else shlex.quote(word) for word in words)


def _variable(variable: tuple[str, str]) -> tuple[str, str]:
    """A value may be a secret, unless all of it stands for what is not known yet."""
    name, value = variable
    return name, value if re.fullmatch(r"\{[a-z0-9_+]+\}", value) else "..."


def pool_text(settings: PoolSettings) -> str:
    """A pool in words, such as `10+20, timeout 30 s, recycle 3600 s, pre-ping`."""
    size = "no limit" if settings.limit is None else f"{settings.pool_size}+{settings.max_overflow}"
    parts = [size, f"timeout {settings.pool_timeout_s:g} s", f"recycle {settings.pool_recycle_s} s"]
    parts += ["pre-ping"] if settings.pre_ping else []
    parts += [f"{settings.threadpool_tokens} threads"] if settings.threadpool_tokens else []
    return ", ".join(parts)


def _role(plan: Plan, subject: Subject) -> str:
    if subject.name == plan.control:
        return "the control"
    place = subject.place
    return "" if place is None else f"{place.side} of {place.pair}"


def _trial_rows(plan: Plan) -> Rows:
    shown = plan.trials[:MOST_TRIALS_SHOWN]
    rows = [
        (str(trial.index), trial.scenario, trial.target, f"{trial.repetition} of {plan.repetitions}")
        for trial in shown
    ]
    further = len(plan.trials) - len(shown)
    return [*rows, ("...", f"and {further:,} more", "", "")] if further else rows
