"""Synthetic trials for rules: known evidence in, a finding or none out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.records import DatabaseReading, DatabaseTotals, GeneratorReading, HostReading, InsideReading, Reading
from reports.analyse import usable_trials
from reports.analysis.folding import Observed
from reports.diagnosis.evidence import Evidence
from reports.read import read_run
from scenarios.model import Scenario
from tests.unit.reports.builder import Request, TrialBuilder, ns, one_phase, target_info, write_run

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


def inside(t_s: float, **told: Any) -> InsideReading:
    """What a probe told; what is not named was not told."""
    values: dict[str, Any] = {"processes": 1, "lag_max_ms": 0.0, "oldest_ms": None, **told}
    return InsideReading(t_ns=ns(t_s), **values)


def sessions(
    t_s: float, active: int = 0, idle: int = 0, idle_in_transaction: int = 0, **more: Any
) -> DatabaseReading:
    """Sessions as PostgreSQL sees them."""
    return DatabaseReading(
        t_ns=ns(t_s),
        active=active,
        idle=idle,
        idle_in_transaction=idle_in_transaction,
        total=active + idle + idle_in_transaction,
        **more,
    )


def host(t_s: float, app_s: float, threads: int | None = None, primary_s: float = 0.0) -> HostReading:
    """Processor time that the app and PostgreSQL have used, and the app's threads."""
    return HostReading(
        t_ns=ns(t_s),
        cpu_percent=10.0,
        steal_percent=0.0,
        cpu_s={"app": app_s, "primary": primary_s},
        app_threads=threads,
    )


def under_way(t_s: float, in_flight: int) -> GeneratorReading:
    """How many requests the generator had under way."""
    return GeneratorReading(
        t_ns=ns(t_s),
        phase="steady",
        users=0,
        in_flight=in_flight,
        started_total=in_flight,
        completed_total=0,
        not_started_total=0,
        late_max_ms=0.0,
    )


def every(tenths: int, *make: Callable[[float], Reading]) -> list[Reading]:
    """Readings of each kind at every tenth of a second."""
    return [one(n / 10) for one in make for n in range(tenths)]


def totalled(evidence: Evidence, totals: DatabaseTotals) -> Evidence:
    """The same with what PostgreSQL counted."""
    trial = evidence.observed.trial
    record = trial.record.model_copy(update={"database_totals": totals})
    return Evidence(replace(evidence.observed, trial=replace(trial, record=record)))
