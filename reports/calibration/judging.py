"""A calibration under way: how its gate stands, how a gate is kept, and what came of all so far."""

from __future__ import annotations

from pathlib import Path

from harness.records import CalibrationPlan, GateCalibration
from reports.calibration.formats import gate_line
from reports.calibration.kept import gate_path, kept_gate, packed
from reports.calibration.summary import Ledger
from reports.gate.observing import measured
from reports.gate.report import GateReport, report_on
from reports.read import read_run


class Judge:
    """Of the calibration in a folder."""

    def __init__(self, folder: Path, plan: CalibrationPlan) -> None:
        self._folder, self._plan = folder, plan
        self._ledger = Ledger(folder, plan)
        self._today = plan.created_at.date()  # of acceptances, which hold for all of it or for none

    def standing(self, run: Path) -> GateReport:
        """Of the gate under way, whose run is in that folder."""
        return report_on(read_run(run), self._today)

    def packed(self, run: Path, number: int, took_s: float | None) -> bytes:
        """A gate that has all its pairs, as it is kept. It took `took_s`; None where only its run is known."""
        read = read_run(run)
        found = read.manifest.environment
        kept = kept_gate(number, measured(read), report_on(read, self._today), found.git_revision, found.postgres)
        return packed(kept.model_copy(update={"took_s": took_s}))

    def file_of(self, number: int) -> Path:
        """Where it is kept."""
        return gate_path(self._folder, number)

    def calibration(self, begun_anew: int) -> GateCalibration:
        """As it stands."""
        return self._ledger.calibration(begun_anew)

    def told(self, number: int) -> str:
        """A line about a gate that is kept."""
        return gate_line(self._ledger.outcome(number), self._plan)
