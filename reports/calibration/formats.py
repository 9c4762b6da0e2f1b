"""A calibration as text: for a terminal, and as Markdown for people to publish."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from rich.padding import Padding
from rich.table import Table

from harness.records import CalibrationKind, CalibrationPlan, GateCalibration, GateOutcome, Noise
from reports.calibration.bounds import between
from reports.calibration.tally import Tally, tally
from reports.formats.console import console_of, plain_text, say, text_of
from reports.formats.markdown import escape
from reports.gate.columns import Scale
from reports.gate.looks import Look
from reports.gate.promise import last_look, promises
from reports.gate.standing import per_cent, planted, rates
from reports.gate.verdicts import Verdict
from reports.write import write_texts

MOST_ROWS = 40
_HEADINGS = ("figure", "sigma_D", "95 %", "mean", "pairs", "found by as many pairs")


def gate_line(outcome: GateOutcome, plan: CalibrationPlan) -> str:
    """One gate, once it is judged: `gate 3 of 60: pass after 12 pairs, 4.1 min`."""
    shift = ""
    if plan.kind is CalibrationKind.POWER:
        shift = "; p50 " + ("unknown" if outcome.shift is None else _change(outcome.shift))
        shift += "" if outcome.proved else ", and what was planted was not seen to be there"
    worse = f" ({outcome.worse[0]}{', ...' if len(outcome.worse) > 1 else ''})" if outcome.worse else ""
    return (
        f"gate {outcome.number} of {plan.gates}: {outcome.verdict}{worse} after {outcome.pairs} pairs, "
        f"{outcome.took_s / 60:.1f} min{shift}"
    )


def lines(calibration: GateCalibration) -> Iterator[str]:
    """What was fixed, and what came of it. Bounds only where every gate is there: who looks at some and goes on
    until the bound pleases has claimed another one.
    """
    plan, counted = calibration.plan, tally(calibration)
    yield _title(plan)
    yield (
        f"{plan.gates} gates of {_pairs(plan)} pairs of "
        f"{', '.join(plan.design.scenarios)}, seed {plan.seed}, fixed {plan.created_at:%Y-%m-%d}, on "
        f"{plan.machine}; poolstorm {plan.poolstorm_version}"
    )
    if calibration.is_finished:
        yield rates(plan.kind, plan.plant, counted.found, counted.done)
        yield _shares(counted)
    else:
        yield f"unfinished: {counted.done} of {plan.gates} gates; no bound is claimed before all are there"
        if counted.done:
            yield f"so far {_verdicts(counted)}"
    yield from _shift_lines(plan, counted)
    if counted.took_s:
        yield f"minutes a gate: median {median(counted.took_s) / 60:.1f}, at most {max(counted.took_s) / 60:.1f}"
    if calibration.begun_anew:
        yield f"interrupted before they had a verdict, and run anew: {calibration.begun_anew}"


def _pairs(plan: CalibrationPlan) -> str:
    return ",".join(map(str, dict.fromkeys(plan.design.pairs)))


def _title(plan: CalibrationPlan) -> str:
    at = f" at {plan.revision[:10]}" if plan.revision else ""
    if plan.kind is CalibrationKind.AA:
        return f"{plan.calibration_id}: {plan.design.subject}{at} against itself"
    return f"{plan.calibration_id}: {plan.design.subject}{at}, and in the head {planted(plan.plant)}"


def _verdicts(counted: Tally) -> str:
    return ", ".join(f"{counted.of(verdict)} {verdict}" for verdict in Verdict if counted.of(verdict)) or "none"


def _shares(counted: Tally) -> str:
    """Indecision apart: a gate that never decides has no false alarms."""
    low, high = between(counted.of(Verdict.INCONCLUSIVE), counted.done)
    return f"verdicts: {_verdicts(counted)}; open between {per_cent(low)} and {per_cent(high)} of the time"


def _shift_lines(plan: CalibrationPlan, counted: Tally) -> Iterator[str]:
    if plan.kind is not CalibrationKind.POWER:
        return
    if counted.shifts:
        yield (
            f"p50 of all requests in the head: median {_change(median(counted.shifts))}, from "
            f"{_change(min(counted.shifts))} to {_change(max(counted.shifts))}"
        )
    if counted.unproved:
        yield f"misses because what was planted was not seen to be there: {counted.unproved}"


def rows(calibration: GateCalibration) -> list[tuple[str, ...]]:
    """The noise of each figure, the noisiest ratios first."""
    pairs, family = calibration.plan.design.pairs, calibration.family
    ordered = sorted(calibration.noise, key=lambda one: (one.scale != Scale.LOG_RATIO, one.metric, -one.sigma))
    return [_row(one, pairs, family) for one in ordered if one.sigma > 0]


def _row(noise: Noise, pairs: tuple[int, ...], family: int) -> tuple[str, ...]:
    found = next(iter(promises(pairs, (noise,), family)), None)
    finds = "" if found is None else "nothing" if found.finds is None else _change(found.finds)
    bounds = "" if noise.low is None or noise.high is None else f"{noise.low:.3g} to {noise.high:.3g}"
    return noise.name, f"{noise.sigma:.3g}", bounds, f"{noise.mean:+.2g}", f"{noise.pairs:,}", finds


def _change(effect: float) -> str:
    value = 100 * math.expm1(min(effect, 50.0))
    return f"{value:+.2g} %" if abs(value) < 10 else f"{value:+,.0f} %"


def _noise_note(calibration: GateCalibration) -> str:
    look = last_look(calibration.plan.design.pairs)
    level = "" if look is Look.ONLY else " by its last look"
    return (
        "sigma_D: standard deviation of a figure's difference over pairs, about the mean of its gate; found: in "
        f"95 of 100 gates of {calibration.plan.design.pairs[-1]} pairs{level}, {calibration.family} figures "
        "tested together"
    )


def render_terminal(calibration: GateCalibration, *, width: int = 100, colour: bool = False) -> str:
    """The lines, and a table of the noise."""
    console = console_of(width, colour)
    for line in lines(calibration):
        say(console, line)
    found = rows(calibration)
    if found:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, heading in enumerate(_HEADINGS):
            table.add_column(heading, justify="right" if number else "left", overflow="fold")
        for row in found[:MOST_ROWS]:
            table.add_row(*map(plain_text, row))
        console.print(Padding(table, (1, 0, 1, 0)))
        say(console, _noise_note(calibration), "dim")
    return text_of(console)


def render_markdown(calibration: GateCalibration) -> str:
    """The same, and a line for each gate."""
    plan = calibration.plan
    first, *rest = lines(calibration)
    text = [f"## poolstorm calibrate {plan.kind}: {escape(first)}", "", *(f"- {escape(line)}" for line in rest)]
    if found := rows(calibration):
        text += ["", f"| {' | '.join(_HEADINGS)} |", f"|{'---|' * len(_HEADINGS)}"]
        text += [f"| {' | '.join(map(escape, row))} |" for row in found]
        text += ["", escape(_noise_note(calibration))]
    if calibration.outcomes:
        text += ["", "| gate | verdict | pairs | minutes | steal | |", "|---|---|---|---|---|---|"]
        text += [
            f"| {one.number} | {escape(one.verdict)} | {one.pairs} | {one.took_s / 60:.1f} | "
            f"{'' if one.steal_share is None else per_cent(one.steal_share)} | "
            f"{escape(', '.join(one.worse[:3]))} |"
            for one in calibration.outcomes
        ]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(plan.packages.items()))
    text += ["", f"{escape(plan.python)}; {escape(versions)}"]
    return "\n".join(text) + "\n"


def write_calibration(calibration: GateCalibration, folder: Path) -> tuple[Path, ...]:
    """calibration.md, beside the calibration.json that is there. Raises RunDirectoryError."""
    return write_texts(folder, {"calibration.md": render_markdown(calibration)})
