"""`python -m benchmarks.gate.slots`: how noisy is a pair of the same thing, by when its sides run?

Each kind of target is set against itself, base and head alike, in five designs. For each pair
D = ln(q of head / q of base); what is printed of the Ds of a design is their standard deviation (what a
gate has to see through), their mean with its standard error (a bias of one pair of processes, where it is
far from 0), and the seconds a pair took.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from harness.environment.stack import Stack, StackOptions, running_stack
from harness.plan import Plan
from harness.records import Place, RunState, Side, TrialSpec
from harness.run import Nobody, run_plan
from harness.store import RunStore
from harness.subject import Subject, standard_subject
from reports.analysis.folding import ALL, Observed, observe
from reports.read import read_run
from scenarios.model import Arrivals, Phase, Scenario
from targets.known import KNOWN_TARGETS

KINDS = ("sync-pool", "async-pool", "psycopg-raw")
RATE_PER_S = 60.0
WARM_UP_S = 2.0
NEVER_PER_S = 0.001
"""An open workload has a rate; this one sends a single request, at the start."""
QUANTILES = {"p50": 500, "p90": 900, "p99": 990}


@dataclass(frozen=True)
class Design:
    """When the sides of `pairs` pairs run: windows of `window_s`, at once or in turn, with fresh processes for
    each pair or the same for all.
    """

    name: str
    window_s: float
    pairs: int
    at_once: bool
    fresh: bool


DESIGNS = (
    Design("8 s in turn, fresh processes", 8.0, 12, at_once=False, fresh=True),
    Design("8 s in turn, same processes", 8.0, 10, at_once=False, fresh=False),
    Design("2 s in turn, same processes", 2.0, 30, at_once=False, fresh=False),
    Design("2 s at once, same processes", 2.0, 30, at_once=True, fresh=False),
    Design("8 s at once, fresh processes", 8.0, 12, at_once=True, fresh=True),
)


@dataclass(frozen=True)
class Noise:
    """Of one kind of pair in one design; `sigma` and `mean` by quantile."""

    kind: str
    design: str
    pairs: int
    sigma: dict[str, float]
    mean: dict[str, float]
    pair_s: float


def main(words: Sequence[str]) -> int:
    """Measure, and print a table; with --output the Ds as well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate.slots", description=__doc__.split("\n\n")[1])
    parser.add_argument(
        "--kind", action="append", metavar="TARGET", help=f"repeatable; default {', '.join(KINDS)}"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a third of the pairs, too few to judge by")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write every D here, as JSON")
    arguments = parser.parse_args(words)
    designs = [replace(one, pairs=one.pairs // 3) for one in DESIGNS] if arguments.quick else DESIGNS
    found, kept = [], []
    with running_stack(StackOptions(), _say, ()) as stack:
        for kind in arguments.kind or KINDS:
            for design in designs:
                noise, values = measure(stack, kind, design, arguments.seed)
                found.append(noise)
                kept.append({**asdict(noise), "d": values, "load_1m": psutil.getloadavg()[0]})
                _say(_line(noise))
                if arguments.output:
                    arguments.output.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    _say(f"\n{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} cores\n")
    _say(
        "| pair | slots | pairs | sigma p50 | p90 | p99 | mean p50 | s a pair |\n|---|---|---|---|---|---|---|---|"
    )
    _say("\n".join(map(_line, found)))
    return 0


def measure(stack: Stack, kind: str, design: Design, seed: int) -> tuple[Noise, dict[str, list[float]]]:
    """One kind of pair in one design; its Ds by quantile beside the summary."""
    plan = lay_out(kind, design, seed)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore.create(Path(folder) / "run")
        if run_plan(plan, "slots", store, stack, Nobody()).state is not RunState.FINISHED:
            raise KeyboardInterrupt
        took_s = time.monotonic() - began_s
        values = {name: list(_differences(store.path, plan, per_mille)) for name, per_mille in QUANTILES.items()}
    pairs = len(values["p50"])
    noise = Noise(
        kind=kind,
        design=design.name,
        pairs=pairs,
        sigma={name: statistics.stdev(ds) for name, ds in values.items()},
        mean={name: statistics.mean(ds) for name, ds in values.items()},
        pair_s=took_s / max(1, pairs),
    )
    return noise, values


def lay_out(kind: str, design: Design, seed: int) -> Plan:
    """The trials of a design. Which side comes first, or is started first, is a coin's."""
    base, head = _sides(kind)
    rng = random.Random(f"{seed} {kind} {design.name}")
    repetitions = design.pairs if design.fresh else 1
    scenarios = _scenarios(design)
    trials: list[TrialSpec] = []
    for repetition in range(1, repetitions + 1):
        sides = [(base.name, scenarios[0].name), (head.name, scenarios[-1].name)]
        rng.shuffle(sides)
        block = None if design.fresh and not design.at_once else repetition
        for target, scenario in sides:
            index = len(trials) + 1
            trial_id = f"{index:03d}-{scenario}-{target}-r{repetition}"
            trials.append(
                TrialSpec(
                    id=trial_id, index=index, scenario=scenario, target=target, repetition=repetition, block=block
                )
            )
    return Plan(
        scenarios=scenarios,
        subjects=(base, head),
        repetitions=repetitions,
        seed=seed,
        control=base.name,
        trials=tuple(trials),
    )


def _sides(kind: str) -> tuple[Subject, Subject]:
    subject = standard_subject(KNOWN_TARGETS[kind])
    base = replace(subject, name="base", place=Place(pair=kind, side=Side.BASE, position=1))
    return base, replace(subject, name="head", place=Place(pair=kind, side=Side.HEAD, position=2))


def _scenarios(design: Design) -> tuple[Scenario, ...]:
    """One for both sides; two that mirror each other where processes stay and sides take turns."""
    if design.fresh:
        return (_scenario("window", [("w1", design.window_s, True)]),)
    slots = [(f"w{number}", design.window_s) for number in range(1, design.pairs + 1)]
    if design.at_once:
        return (_scenario("windows", [(name, length_s, True) for name, length_s in slots]),)
    return (
        _scenario("first", [one for name, s in slots for one in ((name, s, True), (f"{name}-idle", s, False))]),
        _scenario("second", [one for name, s in slots for one in ((f"{name}-idle", s, False), (name, s, True))]),
    )


def _scenario(name: str, slots: Sequence[tuple[str, float, bool]]) -> Scenario:
    phases = [Phase(name="warm-up", duration_s=WARM_UP_S, arrivals=Arrivals(rate_per_s=RATE_PER_S), warmup=True)]
    phases += [
        Phase(name=slot, duration_s=s, arrivals=Arrivals(rate_per_s=RATE_PER_S if loaded else NEVER_PER_S))
        for slot, s, loaded in slots
    ]
    return Scenario(name=name, title=name, question="How noisy is a pair?", phases=tuple(phases))


def _differences(folder: Path, plan: Plan, per_mille: int) -> Iterator[float]:
    """D of each pair of windows of which both sides are whole."""
    run = read_run(folder)
    sides: dict[int, dict[str, Observed]] = {}
    for trial in run.trials:
        record = trial.record
        if record.state != "completed":
            _say(f"    {record.spec.id}: {record.reason}")
            continue
        scenario = plan.scenario(record.spec.scenario)
        sides.setdefault(record.spec.repetition, {})[record.spec.target] = observe(scenario, trial, True)
    for of in sides.values():
        if len(of) < 2:
            continue
        for phase in (phase.name for phase in of["base"].counting if not phase.name.endswith("-idle")):
            a, b = (
                of[side].fold.phases[phase, ALL].success.quantiles_ms(per_mille)[0] for side in ("base", "head")
            )
            if a and b:
                yield math.log(b / a)


def _line(noise: Noise) -> str:
    sigma = " | ".join(f"{noise.sigma[name]:.3f}" for name in QUANTILES)
    error = noise.sigma["p50"] / noise.pairs**0.5
    mean = f"{noise.mean['p50']:+.3f} ± {error:.3f}"
    return f"| {noise.kind} | {noise.design} | {noise.pairs} | {sigma} | {mean} | {noise.pair_s:.0f} |"


_say: Callable[[str], None] = lambda text: print(text, flush=True)  # noqa: E731, T201

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
