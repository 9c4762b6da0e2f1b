"""A calibration: gates one after the other, each with a stack and subjects of its own, until all are there."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.environment.stack import StackOptions
from harness.errors import EXIT_INTERRUPTED, InterruptedRunError, OutputError
from harness.gate.calibration_store import CalibrationStore
from harness.gate.carrying import Standing, carry_out_gate
from harness.interrupts import uninterrupted
from harness.plan import Plan
from harness.records import GateCalibration
from harness.run import Ending

MOST_GATES = 100_000


@dataclass(frozen=True)
class Settled:
    """One gate, both sides built; and the plan that it becomes once it is known what its app bears."""

    plan: Plan
    plan_at: Callable[[float], Plan]


@dataclass(frozen=True)
class Judging:
    """What has to be judged on the way, which `reports` does."""

    standing: Callable[[Path], Standing]  # of a gate's folder
    file_of: Callable[[int], Path]  # where a gate is kept
    packed: Callable[[Path, int, float | None], bytes]  # a gate's folder as it is kept, and what it took in all
    calibration: Callable[[int], GateCalibration]  # of the gates that are kept; given how many were begun anew
    told: Callable[[int], str]  # a line about a gate that is kept


def seed_of(seed: int, number: int) -> int:
    """Of one gate of a calibration: its order, coins and arrivals."""
    return random.Random(f"calibration {seed} gate {number}").getrandbits(31)


def carry_out_calibration(
    store: CalibrationStore,
    settled: Callable[[int], AbstractContextManager[Settled]],
    options: StackOptions,
    say: Callable[[str], None],
    judging: Judging,
    *,
    keep_runs: bool,
) -> Ending:
    """Run every gate that is not there yet; `settled` builds the one with that number. A gate that was interrupted
    is run anew, whatever it had; one that has all its pairs is judged, and never run again.

    Raises PoolstormError for what no gate can be run with; all that were judged stay.
    """
    try:
        for number in range(1, store.calibration.plan.gates + 1):
            if judging.file_of(number).exists():
                continue
            took_s, began_s = None, time.monotonic()
            if not store.run_of(number).is_dir():
                ending = _run(store, number, settled, options, say, judging)
                if ending.line:
                    return ending
                took_s = time.monotonic() - began_s
            _keep(store, number, judging, took_s, keep_runs=keep_runs)
            say(judging.told(number))
    except KeyboardInterrupt:
        return _interrupted(store)
    except InterruptedRunError:
        return _interrupted(store)
    return Ending()


def _run(
    store: CalibrationStore,
    number: int,
    settled: Callable[[int], AbstractContextManager[Settled]],
    options: StackOptions,
    say: Callable[[str], None],
    judging: Judging,
) -> Ending:
    """One gate, to its last pair; where it ends before, nothing of it stays."""
    plan = store.calibration.plan
    say(f"gate {number} of {plan.gates}")
    run = store.begin(number)
    try:
        with settled(number) as gate:
            ending = carry_out_gate(
                gate.plan,
                f"{plan.calibration_id}-{number:04d}",
                run,
                options,
                say,
                plan_at=gate.plan_at,
                standing=lambda: judging.standing(run.path),
            )
        if not ending.line:
            store.end(number)
            return ending
    finally:
        with uninterrupted(), suppress(OutputError):  # which would hide what came before
            store.drop(number)
    if ending.exit_code == EXIT_INTERRUPTED:
        return _interrupted(store)
    reason = ending.line.removeprefix("error: ").partition("; the trials that had finished are kept in")[0]
    return Ending(f"error: gate {number} was cut short: {reason}; {_go_on(store)}", ending.exit_code)


def _keep(
    store: CalibrationStore, number: int, judging: Judging, took_s: float | None, *, keep_runs: bool
) -> None:
    """Written down before it is told: a verdict that somebody has seen is there to stay."""
    data = judging.packed(store.run_of(number), number, took_s)
    with uninterrupted():
        store.keep(judging.file_of(number), data)
        store.write(judging.calibration(store.calibration.begun_anew))
        if not keep_runs:
            store.discard_run(number)


def _interrupted(store: CalibrationStore) -> Ending:
    return Ending(f"interrupted; {_go_on(store)}", EXIT_INTERRUPTED)


def _go_on(store: CalibrationStore) -> str:
    done, plan = len(store.calibration.outcomes), store.calibration.plan
    return (
        f"{done} of {plan.gates} gates are kept, and poolstorm calibrate {plan.kind} --output {store.path} goes "
        "on with the next"
    )
