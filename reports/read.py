"""Run directory -> Run. A trial whose record is not whole says so, and takes no other down."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

from harness.errors import RunDirectoryError
from harness.records import (
    FORMAT,
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    PARTIAL_PREFIX,
    READINGS_FILE,
    STORED_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    WRITES_FILE,
    Manifest,
    Mark,
    Reading,
    Record,
    Stored,
    TargetInfo,
    TrialRecord,
    TrialSpec,
    TrialState,
    Write,
)
from reports.documents import SEALED_SINCE, read_document
from reports.files import Allowance, DamageError, reason_of
from reports.streams import (
    MOST_LOG_BYTES,
    MOST_MARKS_BYTES,
    MOST_READINGS_BYTES,
    MOST_STORED_BYTES,
    MOST_WRITES_BYTES,
    LatencyLog,
    SeriesCell,
    StoredLog,
    WriteLog,
    latest_send_ns,
    read_marks,
    read_readings,
    require_as_closed,
    require_lawful,
)
from scenarios.model import Scenario

__all__ = ["DamageError", "Run", "SeriesCell", "Trial", "read_run"]

TRIAL_FORMAT = "poolstorm-trial"
MOST_TRIALS = 10_000
MOST_SCENARIOS = 500
MOST_TARGETS = 500
MOST_PHASES = 20_000
MOST_FOLDERS = 4 * MOST_TRIALS
_STREAMS = {
    LATENCY_FILE: MOST_LOG_BYTES,
    MARKS_FILE: MOST_MARKS_BYTES,
    READINGS_FILE: MOST_READINGS_BYTES,
    WRITES_FILE: MOST_WRITES_BYTES,
    STORED_FILE: MOST_STORED_BYTES,
}
"""What a trial may hold of each, in bytes."""
_REQUIRED = (LATENCY_FILE, MARKS_FILE, READINGS_FILE)
MOST_READINGS_OF_RUN = 128_000_000
MOST_LOGS_OF_RUN = 256_000_000

_Reading = TypeVar("_Reading", bound=Reading)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial as recorded. Only a completed one has cells, marks and readings; the latter two are by time.

    `cells` are decoded anew each time that they are gone through, and none is kept: there may be millions. They
    and `writes` and `stored` raise DamageError where they are not what was recorded. `damage` says what else is
    wrong with the record; a damaged trial must not be used.
    """

    record: TrialRecord
    cells: Iterable[SeriesCell] = ()
    marks: tuple[Mark, ...] = ()
    readings: tuple[Reading, ...] = ()
    writes: Iterable[Write] = ()  # and the reads that looked for one
    stored: Iterable[Stored] = ()
    damage: str = ""
    _by_kind: dict[type[Record], list[Reading]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def readings_of(self, kind: type[_Reading]) -> Sequence[_Reading]:
        """The readings of one kind, by time. They are sorted out once, as a dozen rules ask for some."""
        if self.readings and not self._by_kind:
            for reading in self.readings:
                self._by_kind.setdefault(type(reading), []).append(reading)
        return cast(Sequence[_Reading], self._by_kind.get(kind, ()))


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: its trials in the planned order, the planned ones without a folder, and left-over folders."""

    path: Path
    manifest: Manifest
    trials: tuple[Trial, ...]
    missing: tuple[TrialSpec, ...]
    partial: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Allowances:
    """What all trials of a run together may hold."""

    logs: Allowance = field(default_factory=lambda: Allowance(MOST_LOGS_OF_RUN))
    readings: Allowance = field(default_factory=lambda: Allowance(MOST_READINGS_OF_RUN))


def read_run(path: Path) -> Run:
    """Read a run directory.

    Raises RunDirectoryError, one line that names the mend, where the folder is missing or foreign or its manifest
    damaged or of a newer format. A trial that is damaged bears that as its `damage`; what its latencies hide
    shows when its cells are gone through. Trials in the making (`.partial-...`) are listed, not read.
    """
    manifest = _manifest(path)
    names = _folders(path / TRIALS_DIR)
    planned = {spec.id: spec for spec in manifest.trials}
    strangers = [name for name in names if name not in planned and not name.startswith(".")]
    if strangers:
        raise RunDirectoryError(
            f"{path / TRIALS_DIR}: {strangers[0][:100]!r} is not in the plan of {MANIFEST_FILE}; move it elsewhere"
        )
    allowances = _Allowances()
    return Run(
        path=path,
        manifest=manifest,
        trials=tuple(
            _read_trial(path / TRIALS_DIR / name, spec, manifest, allowances)
            for name, spec in planned.items()
            if name in names
        ),
        missing=tuple(spec for name, spec in planned.items() if name not in names),
        partial=tuple(name for name in names if name.startswith(PARTIAL_PREFIX)),
    )


def _manifest(path: Path) -> Manifest:
    try:
        if not path.is_dir():
            raise RunDirectoryError(f"{path} is not a folder; name a run folder, such as runs/<id>")
        if not _is_there(path / MANIFEST_FILE):
            raise RunDirectoryError(
                f"{path} is not a run folder (no {MANIFEST_FILE}); name one that `poolstorm run` wrote"
            )
        manifest = read_document(path / MANIFEST_FILE, FORMAT, Manifest)
        _require_sensible(manifest)
    except DamageError as error:
        raise RunDirectoryError(f"{path}{os.sep}{error}; {error.mend}") from error
    except (OSError, ValueError) as error:  # what no path may be
        raise RunDirectoryError(f"{str(path)!r} cannot be read ({reason_of(error)}); name a run folder") from error
    return manifest


def _is_there(path: Path) -> bool:
    """Also as a link that leads nowhere. Raises OSError where a folder on the way does not let one look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _require_sensible(manifest: Manifest) -> None:
    """Not too much of anything, names that differ, and nothing that refers to nothing."""
    for what, count, most in (
        ("trials", len(manifest.trials), MOST_TRIALS),
        ("scenarios", len(manifest.scenarios), MOST_SCENARIOS),
        ("targets", len(manifest.targets), MOST_TARGETS),
        ("phases", sum(len(scenario.phases) for scenario in manifest.scenarios), MOST_PHASES),
    ):
        if count > most:
            raise DamageError(f"{MANIFEST_FILE} plans {count:,} {what}; {most:,} can be reported", "report less")
    scenarios = {scenario.name for scenario in manifest.scenarios}
    targets = {target.name for target in manifest.targets}
    ids = {spec.id for spec in manifest.trials}
    if (len(scenarios), len(targets), len(ids)) != tuple(
        map(len, (manifest.scenarios, manifest.targets, manifest.trials))
    ):
        raise DamageError(f"{MANIFEST_FILE} is damaged (names of scenarios, targets or trials repeat)")
    for spec in manifest.trials:
        if spec.scenario not in scenarios or spec.target not in targets:
            raise DamageError(f"{MANIFEST_FILE} is damaged (trial {spec.id} is of an unknown scenario or target)")


def _folders(path: Path) -> tuple[str, ...]:
    """Names of the folders in a folder; what is a link is none."""
    try:
        with os.scandir(path) as entries:
            found = [entry for entry in islice(entries, MOST_FOLDERS + 1) if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read ({reason_of(error)}); mend its permissions") from error
    if len(found) > MOST_FOLDERS:
        raise RunDirectoryError(f"{path} holds more than {MOST_FOLDERS:,} folders; remove what is no trial")
    return tuple(sorted(entry.name for entry in found))


def _read_trial(folder: Path, spec: TrialSpec, manifest: Manifest, allowances: _Allowances) -> Trial:
    try:
        record = read_document(folder / TRIAL_FILE, TRIAL_FORMAT, TrialRecord)
        _require_kinship(record, spec, manifest)
    except DamageError as error:
        return Trial(_stand_in(spec, manifest), damage=f"{error}; {error.mend}" if _newer(error) else str(error))
    if record.state is not TrialState.COMPLETED:
        return Trial(record)
    scenario = next(scenario for scenario in manifest.scenarios if scenario.name == spec.scenario)
    try:
        return _whole_trial(folder, record, scenario, allowances)
    except DamageError as error:
        return Trial(record, damage=str(error))


def _require_kinship(record: TrialRecord, spec: TrialSpec, manifest: Manifest) -> None:
    """It is the planned trial, and of this run: another one may have had a trial of the same name."""
    if record.spec != spec:
        raise DamageError(f"{TRIAL_FILE} describes trial {record.spec.id}, not the planned {spec.id}")
    if record.version != manifest.version:
        raise DamageError(
            f"{TRIAL_FILE} is of format {record.version} and {MANIFEST_FILE} of format {manifest.version}; "
            "they are of different runs"
        )
    if record.version >= SEALED_SINCE and record.run_id != manifest.run_id:
        raise DamageError(f"{TRIAL_FILE} is of run {record.run_id}, not of {manifest.run_id}")


def _newer(error: DamageError) -> bool:
    return error.mend == "upgrade poolstorm"


def _whole_trial(folder: Path, record: TrialRecord, scenario: Scenario, allowances: _Allowances) -> Trial:
    closed = record.version >= SEALED_SINCE
    _require_streams(folder, record)
    allowances.logs.take(LATENCY_FILE, _size(folder / LATENCY_FILE))
    allowances.readings.take(READINGS_FILE, _size(folder / READINGS_FILE))
    writes, stored = folder / WRITES_FILE, folder / STORED_FILE
    return Trial(
        record=record,
        cells=LatencyLog(
            folder / LATENCY_FILE,
            latest_ns=latest_send_ns(scenario),
            phases=frozenset(phase.name for phase in scenario.phases),
            closing=record.closing,
        ),
        marks=tuple(read_marks(folder / MARKS_FILE, lenient=closed)),
        readings=tuple(read_readings(folder / READINGS_FILE, lenient=closed)),
        writes=WriteLog(writes) if os.path.lexists(writes) else (),
        stored=StoredLog(stored) if os.path.lexists(stored) else (),
    )


def _require_streams(folder: Path, record: TrialRecord) -> None:
    """Every stream is there and, since the second format, as it was closed. Raises DamageError."""
    for name in _REQUIRED:
        if not os.path.lexists(folder / name):
            raise DamageError(f"{name} is missing")
    if record.version < SEALED_SINCE:
        return
    if record.closing is None:
        raise DamageError(f"{TRIAL_FILE} is damaged (its closing is missing)")
    require_lawful(record.closing)
    for name, most_bytes in _STREAMS.items():
        told = record.closing.streams.get(name)
        if told is not None or os.path.lexists(folder / name):
            require_as_closed(folder / name, told, most_bytes)


def _size(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError as error:
        raise DamageError(f"{path.name} cannot be read ({reason_of(error)})") from error
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _stand_in(spec: TrialSpec, manifest: Manifest) -> TrialRecord:
    """For a trial of which nothing can be believed but that it was planned."""
    target = next(target for target in manifest.targets if target.name == spec.target)
    return TrialRecord(
        spec=spec,
        state=TrialState.INVALID,
        started_at=manifest.created_at,
        duration_s=0,
        origin_monotonic_ns=0,
        target=TargetInfo(name=target.name, title=target.title, teaches=target.teaches, place=target.place),
    )
