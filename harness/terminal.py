"""What the terminal shows while something runs. Results are rendered by `reports.formats`."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from harness.faults import FAULTS
from harness.plain import plain
from harness.plan import Plan
from harness.records import TrialRecord, TrialSpec, TrialState
from scenarios.registry import SCENARIOS
from targets.drivers.registry import DRIVERS
from targets.planted.registry import PLANTED
from targets.registry import TARGETS
from targets.tutorial.registry import TUTORIAL

_NARROWEST = 80


def say(*lines: str, error: bool = False) -> None:
    """Lines to the person, each made plain: results to standard output, all else to standard error."""
    print(*map(plain, lines), sep="\n", file=sys.stderr if error else sys.stdout, flush=True)


def output_console() -> Console:
    """Standard output; 100 columns where it is no terminal."""
    width = None if sys.stdout.isatty() else 100
    return Console(width=width, _environ=_with_sizes_of_terminals())


def _with_sizes_of_terminals() -> Mapping[str, str]:
    """The environment without a COLUMNS or LINES that is no terminal's: rich takes any digit of any script for a
    number, and any number for a width, which it fills.
    """
    sizes = {name: os.environ.get(name, "") for name in ("COLUMNS", "LINES")}
    unfit = {name for name, size in sizes.items() if not re.fullmatch("[1-9][0-9]{0,2}", size)}
    return {name: value for name, value in os.environ.items() if name not in unfit}


def print_text(render: Callable[[int, bool], str]) -> None:
    """Print what `render` makes of the terminal's width and whether it takes colour."""
    console = output_console()
    sys.stdout.write(render(max(console.width, _NARROWEST), console.is_terminal))
    sys.stdout.flush()


class RunDisplay:
    """Progress of a run on standard error: live on a terminal, a line per trial elsewhere."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._console = Console(stderr=True, _environ=_with_sizes_of_terminals())
        self._ended: list[TrialRecord] = []
        self._under_way: list[TrialSpec] = []
        self._since_s = 0.0
        self._status = "starting"
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._task = self._bar.add_task("trials", total=len(plan.trials))
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        else:
            count = len(self._plan.trials)
            self._print(f"{count} trials, about {minutes(self._plan.expected_s())}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def follow(self, plan: Plan) -> None:
        """The run is this much from now on; where it grows, that is told."""
        more = plan.trials[len(self._plan.trials) :]
        if more and not self._console.is_terminal:
            self._print(f"{len(more)} more trials, about {minutes(plan.expected_s(more))}")
        self._plan = plan
        self._bar.update(self._task, total=len(plan.trials))

    def say(self, text: str) -> None:
        """What is being done beside trials; where there is no live display, each thing once on a line, and not
        again for each second that it takes.
        """
        if _without_seconds(text) != _without_seconds(self._status) and not self._console.is_terminal:
            self._print(text)
        self._status = text

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins."""
        self._under_way.append(spec)
        self._since_s = time.monotonic()
        names = " and ".join(one.target for one in self._under_way)
        self._status = f"{spec.scenario} on {names}, repetition {spec.repetition}"

    def trial_ended(self, record: TrialRecord) -> None:
        """A trial has ended, well or not."""
        self._ended.append(record)
        self._under_way = [spec for spec in self._under_way if spec != record.spec]
        self._bar.update(self._task, completed=len(self._ended))
        spec = record.spec
        line = f"{len(self._ended):>3}/{len(self._plan.trials)}  {spec.scenario:<20} {spec.target:<14}"
        if record.state is not TrialState.COMPLETED:
            self._print(f"{line} {record.state}: {record.reason}")
        elif not self._console.is_terminal:
            self._print(f"{line} {record.duration_s:5.1f} s, {minutes(self._left_s())} left")

    def _left_s(self) -> float:
        """Planned time of what is still to come, less what has passed of the trial under way."""
        begun = len(self._ended) + len(self._under_way)
        left_s = self._plan.expected_s(self._plan.trials[begun:])
        if self._under_way:
            passed_s = time.monotonic() - self._since_s
            left_s += max(0.0, self._plan.expected_s(self._under_way) - passed_s)
        return left_s

    def _render(self) -> Group:
        return Group(self._bar, Text(f"  {plain(self._status)}; {minutes(self._left_s())} left", style="dim"))

    def _print(self, text: str) -> None:
        self._console.print(plain(text), highlight=False, markup=False, soft_wrap=True)


def _without_seconds(text: str) -> str:
    return re.sub(r" \d+ s$", "", text)


def minutes(seconds: float) -> str:
    """A length of time in words, such as `75 s` or `3 min 20 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60:02d} s"


def print_catalogue() -> None:
    """Targets, scenarios and faults, each with what it teaches."""
    console = output_console()
    tables = (
        ("Targets", "Target", [(target.name, target.teaches) for target in TARGETS.values()]),
        ("On other drivers", "Target", [(target.name, target.teaches) for target in DRIVERS.values()]),
        ("Of the tutorial", "Target", [(target.name, target.teaches) for target in TUTORIAL.values()]),
        ("With something planted", "Target", [(target.name, target.teaches) for target in PLANTED.values()]),
        ("Scenarios", "Scenario", [(scenario.name, scenario.question) for scenario in SCENARIOS.values()]),
        ("Faults (for plan files)", "Fault", [(fault.kind, fault.teaches) for fault in FAULTS.values()]),
    )
    for title, heading, rows in tables:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        table.add_column(heading, no_wrap=True, style="bold")
        table.add_column("What it shows")
        for name, text in rows:
            table.add_row(name, text)
        console.print(table)
        console.print()
