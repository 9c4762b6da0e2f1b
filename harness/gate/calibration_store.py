"""A calibration's folder: what was fixed, each gate as it was judged, and the run of the one under way."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.files import making_output, write_atomically, write_bytes_atomically, writing
from harness.records import CALIBRATION_FILE, GATES_DIR, LOCK_FILE, PARTIAL_PREFIX, GateCalibration, sealed
from harness.store import RunStore

RUNS_DIR = "runs"
WORDS_FILE = "asked.json"
GO_ON = "call the same again: gates that were judged stay"
"""What is done about a calibration that could not be written."""


class CalibrationStore:
    """Every method raises OutputError where the folder does not let it."""

    def __init__(self, path: Path, calibration: GateCalibration) -> None:
        self.path = path
        self.calibration = calibration

    @classmethod
    def create(cls, path: Path, calibration: GateCalibration, words: str) -> CalibrationStore:
        """Make the folder; `words` is what was asked for. Raises RunDirectoryError where it holds anything else,
        or cannot be made.
        """
        with making_output(path):
            if path.exists() and (not path.is_dir() or any(one.name != LOCK_FILE for one in path.iterdir())):
                raise RunDirectoryError(
                    f"output {path} exists already and is no calibration; name another with --output, or remove it"
                )
            for name in (GATES_DIR, RUNS_DIR):
                (path / name).mkdir(parents=True)
            write_atomically(path / WORDS_FILE, words)
        store = cls(path, calibration)
        store.write(calibration)
        return store

    def write(self, calibration: GateCalibration) -> None:
        """Replace `calibration.json`."""
        self.calibration = calibration
        with writing(self.path, GO_ON):
            write_atomically(self.path / CALIBRATION_FILE, sealed(calibration.model_dump_json()))

    def run_of(self, number: int) -> Path:
        """The run of a gate whose pairs are all there."""
        return self.path / RUNS_DIR / f"{number:04d}"

    def begin(self, number: int) -> RunStore:
        """A run for a gate, from its first pair: of one that was interrupted, nothing can be used."""
        self.drop(number)
        with writing(self.path, GO_ON):
            (self.path / RUNS_DIR).mkdir(exist_ok=True)
            (self.path / GATES_DIR).mkdir(exist_ok=True)
        return RunStore.create(self._partial(number))

    def drop(self, number: int) -> None:
        """Take away what an interrupted gate left, and count it."""
        if self._partial(number).exists():
            shutil.rmtree(self._partial(number), ignore_errors=True)
            self.write(self.calibration.model_copy(update={"begun_anew": self.calibration.begun_anew + 1}))

    def end(self, number: int) -> None:
        """All pairs of it are there: from now on it is judged, and not run again."""
        with writing(self.path, GO_ON):
            self._partial(number).rename(self.run_of(number))

    def keep(self, file: Path, data: bytes) -> None:
        """A gate as it was judged."""
        with writing(self.path, GO_ON):
            write_bytes_atomically(file, data)

    def discard_run(self, number: int) -> None:
        """What was needed to judge it, and is so no more."""
        shutil.rmtree(self.run_of(number), ignore_errors=True)

    def _partial(self, number: int) -> Path:
        return self.path / RUNS_DIR / f"{PARTIAL_PREFIX}{number:04d}"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody else works on the folder in the block. Raises RunDirectoryError where somebody does."""
    with making_output(path):
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        number = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunDirectoryError(
                f"{path} is being calibrated by another process; wait for it, or name another folder"
            ) from error
        yield
    finally:
        if made and not (path / CALIBRATION_FILE).exists():
            with suppress(OSError):
                (path / LOCK_FILE).unlink()
                for folder in made:
                    folder.rmdir()
        os.close(number)
