"""runs/<id>/: the one place that writes a run directory.

A trial is written into a folder whose name starts with `.partial-` and renamed when it is whole; single files
are replaced in one step. So a reader never meets a half-written trial, however the harness ended.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel

from harness.errors import RunDirectoryError
from harness.files import write_atomically
from harness.records import (
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
    TrialRecord,
)


class TrialFolder:
    """A trial in the making: open journals in a partial folder. Its methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks = (path / MARKS_FILE).open("w", encoding="utf-8")
        self._readings = (path / READINGS_FILE).open("w", encoding="utf-8")
        self._lock = threading.Lock()

    @property
    def latency_file(self) -> Path:
        """Where the recorder writes its histogram log."""
        return self.path / LATENCY_FILE

    def log_file(self, name: str) -> Path:
        """Where the process called `name` writes what it prints."""
        return self.path / f"{name}.log"

    def add_mark(self, mark: Mark) -> None:
        """Append to the trial's journal of events."""
        self._append(self._marks, mark)

    def add_reading(self, reading: Reading) -> None:
        """Append to the trial's journal of gauges."""
        self._append(self._readings, reading)

    def _append(self, file: TextIO, record: BaseModel) -> None:
        with self._lock:
            if not file.closed:
                file.write(record.model_dump_json() + "\n")

    def close(self) -> None:
        """Close the journals; what comes later is dropped."""
        with self._lock:
            self._marks.close()
            self._readings.close()


class RunStore:
    """A run directory being written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> RunStore:
        """Make the directory. Raises RunDirectoryError if it exists with anything in it or cannot be made."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunDirectoryError(f"output {path} exists already; name another with --output, or remove it")
        try:
            (path / TRIALS_DIR).mkdir(parents=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RunDirectoryError(
                f"output {path} cannot be written ({reason}); name another with --output"
            ) from error
        return cls(path)

    def has_trials(self) -> bool:
        """Whether any trial was kept."""
        return any(not entry.name.startswith(".") for entry in (self.path / TRIALS_DIR).iterdir())

    @contextmanager
    def discarded_if_empty(self) -> Iterator[None]:
        """Takes the directory away again where the block fails before any trial was kept."""
        try:
            yield
        except BaseException:
            if not self.has_trials():
                shutil.rmtree(self.path, ignore_errors=True)
            raise

    def write_manifest(self, manifest: Manifest) -> None:
        """Write, or replace, what the run is and how far it is."""
        write_atomically(self.path / MANIFEST_FILE, manifest.model_dump_json(indent=2) + "\n")

    @contextmanager
    def trial(self, trial_id: str) -> Iterator[TrialFolder]:
        """A partial folder for one trial; unless `keep` was called on it, it vanishes at the end."""
        partial = self.path / TRIALS_DIR / f"{PARTIAL_PREFIX}{trial_id}"
        partial.mkdir()
        folder = TrialFolder(partial)
        try:
            yield folder
        finally:
            folder.close()
            shutil.rmtree(partial, ignore_errors=True)

    def keep(self, folder: TrialFolder, record: TrialRecord) -> None:
        """The trial is whole: write its record and give the folder its name."""
        folder.close()
        write_atomically(folder.path / TRIAL_FILE, record.model_dump_json(indent=2) + "\n")
        folder.path.rename(self.path / TRIALS_DIR / record.spec.id)
