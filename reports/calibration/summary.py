"""A calibration's plan and the gates that it has so far -> GateCalibration, and back from its file. Pure but for
reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.records import (
    CALIBRATION_FILE,
    CALIBRATION_FORMAT,
    GATES_DIR,
    LOCK_FILE,
    CalibrationPlan,
    GateCalibration,
    GateOutcome,
)
from reports.calibration.kept import KeptGate, gate_path, read_gate
from reports.calibration.noise import noise_of
from reports.calibration.outcome import outcome_of
from reports.documents import read_document
from reports.files import DamageError, reason_of
from reports.gate.columns import Column
from reports.gate.paired import find

_GATE = re.compile(r"([0-9]{4,6})\.json\.gz")
_NEWER = "upgrade poolstorm"
MOST_GATES = 100_000


@dataclass(frozen=True)
class Seen:
    """One gate: its outcome, and the columns of its test."""

    outcome: GateOutcome
    columns: tuple[Column, ...]


class Ledger:
    """The gates that a calibration's folder keeps, each read once."""

    def __init__(self, folder: Path, plan: CalibrationPlan) -> None:
        self._folder, self._plan = folder, plan
        self._seen: dict[int, Seen] = {}

    def calibration(self, begun_anew: int) -> GateCalibration:
        """As it stands now. Raises RunDirectoryError for a gate that cannot be read."""
        kept = kept_numbers(self._folder)
        for number in kept:
            self.outcome(number)
        return summarise(self._plan, (self._seen[number] for number in kept), begun_anew)

    def outcome(self, number: int) -> GateOutcome:
        """Of a gate that is kept."""
        if number not in self._seen:
            self._seen[number] = self._read(number)
        return self._seen[number].outcome

    def _read(self, number: int) -> Seen:
        path = gate_path(self._folder, number)
        kept = read_gate(path)
        if kept.number != number or number > self._plan.gates:
            raise RunDirectoryError(f"{path} is not gate {number} of this calibration; move it elsewhere")
        return seen(kept, self._plan)


def seen(kept: KeptGate, plan: CalibrationPlan) -> Seen:
    """What a calibration needs of a gate."""
    columns = tuple(find(kept.measured()).columns)
    return Seen(outcome_of(kept, columns, plan.plant), columns)


def summarise(plan: CalibrationPlan, gates: Iterable[Seen], begun_anew: int = 0) -> GateCalibration:
    """What came of the gates that there are."""
    found = list(gates)
    return GateCalibration(
        plan=plan,
        begun_anew=begun_anew,
        outcomes=tuple(one.outcome for one in found),
        noise=noise_of(one.columns for one in found),
        family=max((len([column for column in one.columns if not column.invalid]) for one in found), default=0),
    )


def kept_numbers(folder: Path) -> list[int]:
    """Of the gates in a calibration's folder, in their order."""
    return sorted(_numbers(folder))


def _numbers(folder: Path) -> Iterator[int]:
    try:
        names = [path.name for path in (folder / GATES_DIR).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise RunDirectoryError(f"{folder} cannot be read ({error.strerror}); mend its permissions") from error
    yield from (int(match[1]) for name in names if (match := _GATE.fullmatch(name)))


def read_calibration(path: Path) -> GateCalibration:
    """A calibration's file, or the one in its folder. Raises RunDirectoryError, with what to do, where it is
    missing, foreign, damaged or newer.
    """
    file = path / CALIBRATION_FILE if path.is_dir() else path
    try:
        found = read_document(file, CALIBRATION_FORMAT, GateCalibration)
        _require_sensible(file, found)
    except DamageError as error:
        mend = _NEWER if error.mend == _NEWER else "name one that `poolstorm calibrate` wrote, or restore it"
        raise RunDirectoryError(f"{file.parent / str(error)}; {mend}") from error
    return found


def read_if_begun(folder: Path) -> GateCalibration | None:
    """The calibration of a folder; None of one that is missing or empty. Raises RunDirectoryError for another."""
    try:
        strangers = [path.name for path in folder.iterdir() if path.name != LOCK_FILE]
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"output {folder} cannot be read ({reason_of(error)}); name another") from error
    if not strangers:
        return None
    if CALIBRATION_FILE not in strangers:
        raise RunDirectoryError(
            f"output {folder} exists already and is no calibration; name another with --output, or remove it"
        )
    return read_calibration(folder)


def _require_sensible(file: Path, found: GateCalibration) -> None:
    numbers = [outcome.number for outcome in found.outcomes]
    if not 0 < found.plan.gates <= MOST_GATES or len(set(numbers)) != len(numbers):
        raise DamageError(f"{file.name} is damaged (its gates cannot have been so)")
    if any(not 1 <= number <= found.plan.gates for number in numbers):
        raise DamageError(f"{file.name} is damaged (it has gates that were not planned)")
