"""What was measured for the statements: the folder of the claims, its runs read and analysed once each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.records import CLAIMS_FILE, CLAIMS_FORMAT, ClaimsRecord, TrialState
from reports.analyse import analyse
from reports.documents import read_document
from reports.files import DamageError
from reports.read import Run, Trial, read_run
from reports.summary import Summary, TrialLine

FEWEST_USABLE = (2, 3)
"""So large a share of the planned trials has to be usable: what most of them might have said is not known else."""


class MissingEvidenceError(Exception):
    """A ruling lacks what it needs; the text says what, and the statement is inconclusive."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One experiment: its run as recorded and as analysed. `asked` notes whose trials a rule asked for."""

    name: str
    run: Run
    summary: Summary
    asked: set[tuple[str, str]] = field(default_factory=set, compare=False, repr=False)

    def require_trials(self, scenario: str, target: str) -> tuple[Trial, ...]:
        """Its usable trials, by repetition. Raises MissingEvidenceError, which says why, where there is none or
        fewer than `FEWEST_USABLE` of those that were planned.
        """
        found, planned = self.trials(scenario, target), self._planned(scenario, target)
        why = self._why(scenario, target)
        if not found:
            raise MissingEvidenceError(f"no usable trial of {target} under {scenario}{why}")
        share, of = FEWEST_USABLE
        if len(found) * of < planned * share:
            raise MissingEvidenceError(
                f"only {len(found)} of {planned} trials of {target} under {scenario} can be used{why}"
            )
        return found

    def trials(self, scenario: str, target: str) -> tuple[Trial, ...]:
        """Its usable trials, by repetition."""
        self.asked.add((scenario, target))
        usable = {line.id for line in self.lines(scenario, target) if line.state == TrialState.COMPLETED}
        found_trials = (trial for trial in self.run.trials if trial.record.spec.id in usable)
        return tuple(sorted(found_trials, key=lambda trial: trial.record.spec.repetition))

    def lines(self, scenario: str, target: str) -> tuple[TrialLine, ...]:
        """How each of its planned trials ended."""
        return tuple(
            line
            for result in self.summary.scenarios
            if result.name == scenario
            for found in result.targets
            if found.target == target
            for line in found.trials
        )

    def tried(self, targets: Iterable[str]) -> tuple[str, ...]:
        """Those that were to be measured: `--quick` leaves some out."""
        planned = {info.name for info in self.run.manifest.targets}
        return tuple(target for target in targets if target in planned)

    def counted(self) -> tuple[int, int]:
        """How many of the trials that a rule asked for can be used, and how many were planned; of all trials where
        none was asked for.
        """
        asked = self.asked or {(spec.scenario, spec.target) for spec in self.run.manifest.trials}
        lines = [line for scenario, target in asked for line in self.lines(scenario, target)]
        planned = sum(self._planned(scenario, target) for scenario, target in asked)
        return sum(line.state == TrialState.COMPLETED for line in lines), planned

    def _planned(self, scenario: str, target: str) -> int:
        return sum((spec.scenario, spec.target) == (scenario, target) for spec in self.run.manifest.trials)

    def _why(self, scenario: str, target: str) -> str:
        reasons = {line.reason for line in self.lines(scenario, target) if line.reason}
        return f" ({next(iter(sorted(reasons)))})" if reasons else ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured. `missing` says of an experiment why it cannot be used."""

    path: Path
    record: ClaimsRecord
    measured: Mapping[str, Measured]
    missing: Mapping[str, str]

    def afresh(self) -> Evidence:
        """The same for another rule: none has asked for a trial yet."""
        return replace(
            self, measured={name: replace(measured, asked=set()) for name, measured in self.measured.items()}
        )

    def of(self, experiment: str) -> Measured:
        """An experiment. Raises MissingEvidenceError where it was not run, or cannot be read."""
        if experiment in self.measured:
            return self.measured[experiment]
        left_out = ", as --quick leaves it out" if self.record.quick else ""
        raise MissingEvidenceError(
            self.missing.get(experiment, f"the experiment {experiment} was not run{left_out}")
        )


def read_evidence(folder: Path) -> Evidence:
    """Read what `poolstorm claims` measured. A run that is damaged is missing, and takes no other down.

    Raises RunDirectoryError, one line, where the folder is none of claims, or its record damaged.
    """
    try:
        if not os.path.lexists(folder / CLAIMS_FILE):
            raise RunDirectoryError(f"{folder} has no {CLAIMS_FILE}; name a folder that `poolstorm claims` wrote")
        record = read_document(folder / CLAIMS_FILE, CLAIMS_FORMAT, ClaimsRecord)
    except DamageError as error:
        raise RunDirectoryError(f"{folder}{os.sep}{error}; {error.mend}") from error
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{str(folder)!r} cannot be read; name a folder of claims") from error
    measured: dict[str, Measured] = {}
    missing: dict[str, str] = {}
    for name in record.planned:
        if not os.path.lexists(folder / name):
            missing[name] = f"the experiment {name} was not carried out ({record.reason or record.state})"
            continue
        try:
            if (folder / name).is_symlink():
                raise RunDirectoryError(f"the folder {name} is a symbolic link, which is not followed")
            run = read_run(folder / name)
            if run.manifest.run_id != record.run_id(name):
                raise RunDirectoryError(f"the folder {name} holds another run, {run.manifest.run_id}")
            measured[name] = Measured(name, run, analyse(run))
        except RunDirectoryError as error:
            missing[name] = str(error)
    return Evidence(folder, record, measured, missing)
