"""Synthetic trials for rules: known evidence in, a finding or none out."""

from __future__ import annotations

from pathlib import Path

from harness.records import Reading
from reports.analyse import usable_trials
from reports.analysis.folding import Observed
from reports.diagnosis.evidence import Evidence
from reports.read import read_run
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, one_phase, target_info, write_run

SCENARIO = Scenario(name="load", title="Load", question="What is wrong?", phases=(one_phase(),))
"""Two seconds of a phase `steady`."""


def trial_of(
    requests: list[Request],
    readings: list[Reading] | None = None,
    repetition: int = 1,
    scenario: Scenario = SCENARIO,
) -> TrialBuilder:
    """A trial as planned of an app of which nothing is known."""
    trial = TrialBuilder(
        scenario, target_info("some-app"), repetition, requests=requests, readings=list(readings or ())
    )
    trial.mark_phases()
    return trial


def observed(folder: Path, *trials: TrialBuilder) -> tuple[Observed, ...]:
    """The trials written down and read again; all of one app under one scenario."""
    ((_, found),) = usable_trials(read_run(write_run(folder / "run", list(trials)))).items()
    return found


def evidence_of(folder: Path, trial: TrialBuilder) -> Evidence:
    """That of one trial."""
    (one,) = observed(folder, trial)
    return Evidence(one)
