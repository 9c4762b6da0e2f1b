"""Run directory -> Run. What cannot be trusted is an error that names the file and the line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from harness.errors import RunDirectoryError
from harness.records import (
    FORMAT,
    FORMAT_VERSION,
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    PARTIAL_PREFIX,
    READINGS_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    Manifest,
    Mark,
    Reading,
    Record,
    SeriesKey,
    TrialRecord,
    TrialSpec,
    TrialState,
    decode_reading,
    split_intervals,
)
from reports.histograms import Counts, read_counts

TRIAL_FORMAT = "poolstorm-trial"

_Item = TypeVar("_Item")
_Reading = TypeVar("_Reading", bound=Reading)
_Document = TypeVar("_Document", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Cell:
    """The requests of one series whose intended send lay in [start_ns, end_ns); parts of one interval repeat."""

    key: SeriesKey
    start_ns: int
    end_ns: int
    counts: Counts
    total: int


@dataclass(frozen=True, slots=True)
class LatencyLog:
    """The cells of a histogram log, read as they are asked for.

    Going through them raises RunDirectoryError, which names the line, where the file is damaged.
    """

    path: Path

    def __iter__(self) -> Iterator[Cell]:
        with _reading(self.path), self.path.open(encoding="utf-8") as lines:
            yield from _decode_cells(lines)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial as recorded. A failed one may have no cells, marks or readings. Marks and readings are by time.

    `cells` are decoded anew each time that they are gone through, and none is kept: there may be millions.
    """

    record: TrialRecord
    cells: Iterable[Cell]
    marks: tuple[Mark, ...]
    readings: tuple[Reading, ...]
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


def read_run(path: Path) -> Run:
    """Read a run directory.

    Raises RunDirectoryError, one line that names the mend, where the folder is missing, damaged, foreign or
    of a newer format; for a damaged histogram log, only when its cells are gone through. Trials in the making
    (`.partial-...`) are listed, not read.
    """
    if not path.is_dir():
        raise RunDirectoryError(f"{path} is not a folder; name a run folder, such as runs/<id>")
    if not (path / MANIFEST_FILE).is_file():
        raise RunDirectoryError(
            f"{path} is not a run folder (no {MANIFEST_FILE}); name one that `poolstorm run` wrote"
        )
    manifest = _read_document(path / MANIFEST_FILE, FORMAT, Manifest)
    folders = _folders(path / TRIALS_DIR)
    partial = tuple(name for name in folders if name.startswith(PARTIAL_PREFIX))
    by_id = {name: folder for name, folder in folders.items() if not name.startswith(".")}
    planned = {spec.id: spec for spec in manifest.trials}
    strangers = [name for name in by_id if name not in planned]
    if strangers:
        raise RunDirectoryError(
            f"{path / TRIALS_DIR / strangers[0]} is not in the plan of {MANIFEST_FILE}; move it elsewhere"
        )
    return Run(
        path=path,
        manifest=manifest,
        trials=tuple(_read_trial(by_id[name], spec) for name, spec in planned.items() if name in by_id),
        missing=tuple(spec for name, spec in planned.items() if name not in by_id),
        partial=partial,
    )


def _folders(path: Path) -> dict[str, Path]:
    if not path.is_dir():
        return {}
    return {entry.name: entry for entry in sorted(path.iterdir()) if entry.is_dir()}


def _read_trial(folder: Path, spec: TrialSpec) -> Trial:
    record = _read_document(folder / TRIAL_FILE, TRIAL_FORMAT, TrialRecord)
    if record.spec != spec:
        raise RunDirectoryError(
            f"{folder / TRIAL_FILE} describes trial {record.spec.id}, not the planned {spec.id}; "
            "restore the folder's name or remove the folder"
        )
    whole = record.state is TrialState.COMPLETED
    marks = _read_lines(folder / MARKS_FILE, whole, _decode_marks)
    readings = _read_lines(folder / READINGS_FILE, whole, _decode_readings)
    return Trial(
        record=record,
        cells=LatencyLog(folder / LATENCY_FILE) if _present(folder / LATENCY_FILE, whole) else (),
        marks=tuple(sorted(marks, key=lambda mark: mark.t_ns)),
        readings=tuple(sorted(readings, key=lambda reading: reading.t_ns)),
    )


def _read_document(path: Path, expected_format: str, model: type[_Document]) -> _Document:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunDirectoryError(f"{path} is missing; remove the trial's folder to report the others") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RunDirectoryError(
            f"{path} cannot be read ({_reason(error)}); restore it or repeat the run"
        ) from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RunDirectoryError(f"{path} is damaged ({_reason(error)}); restore it or repeat the run") from error
    if not isinstance(document, dict) or document.get("format") != expected_format:
        raise RunDirectoryError(
            f"{path} is not poolstorm's (format is not {expected_format!r}); name another run folder"
        )
    version = document.get("version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise RunDirectoryError(
            f"{path} was written by a newer poolstorm (format {version}, this one reads {FORMAT_VERSION}); "
            "upgrade poolstorm"
        )
    if version != FORMAT_VERSION:
        raise RunDirectoryError(f"{path} has no known format version ({version!r}); restore it or repeat the run")
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise RunDirectoryError(f"{path} is damaged ({_reason(error)}); restore it or repeat the run") from error


def _read_lines(path: Path, required: bool, decode: Callable[[Iterable[str]], Iterator[_Item]]) -> list[_Item]:
    """Decode a file line by line. Only a trial that was not carried through may lack the file."""
    if not _present(path, required):
        return []
    with _reading(path), path.open(encoding="utf-8") as lines:
        return list(decode(lines))


def _present(path: Path, required: bool) -> bool:
    if required and not path.exists():
        raise RunDirectoryError(f"{path} is missing; remove the trial's folder to report the others")
    return path.exists()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What goes wrong in a trial's file becomes one line that names it."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise RunDirectoryError(
            f"{path} is damaged ({_reason(error)}); remove the trial's folder to report the others"
        ) from error


def _decode_cells(lines: Iterable[str]) -> Iterator[Cell]:
    keys: dict[str, SeriesKey] = {}
    for encoded in split_intervals(lines):
        try:
            key = keys.get(encoded.tag)
            if key is None:
                key = keys[encoded.tag] = SeriesKey.from_tag(encoded.tag)
            counts, total = read_counts(encoded.payload)
        except ValueError as error:
            raise ValueError(f"line {encoded.line}: {error}") from error
        end_ns = encoded.start_ns + encoded.length_ns
        yield Cell(key, encoded.start_ns, end_ns, counts, total)


def _decode_marks(lines: Iterable[str]) -> Iterator[Mark]:
    return _decode_json_lines(lines, Mark.model_validate_json)


def _decode_readings(lines: Iterable[str]) -> Iterator[Reading]:
    return _decode_json_lines(lines, decode_reading)


def _decode_json_lines(lines: Iterable[str], decode: Callable[[str], _Item]) -> Iterator[_Item]:
    for number, line in enumerate(lines, start=1):
        try:
            yield decode(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """One short line for an error of any kind."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return " ".join(str(error).split())
