"""runs/<id>/: the one place that writes a run directory.

A trial is written into a folder whose name starts with `.partial-` and renamed when it is whole; single files
are replaced in one step. So a reader never meets a half-written trial, however the harness ended. What cannot be
written is an OutputError: it ends the run, and what had been finished by then stays.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from harness.errors import OutputError
from harness.files import making_output, require_empty, write_atomically, writing
from harness.records import (
    LATENCY_FILE,
    MANIFEST_FILE,
    MARKS_FILE,
    PARTIAL_PREFIX,
    READINGS_FILE,
    STORED_FILE,
    TRIAL_FILE,
    TRIALS_DIR,
    WRITES_FILE,
    Closing,
    Manifest,
    Stream,
    TrialRecord,
    sealed,
)

STREAMS = (LATENCY_FILE, MARKS_FILE, READINGS_FILE, WRITES_FILE, STORED_FILE)
"""The files of a trial that grow while it runs; those that it has are closed with a count each."""
PROBE_BYTES = 65_536
RUN_AGAIN = "run it again"
"""What is done about a run that could not be written."""


class TrialFolder:
    """A trial in the making: open streams in a partial folder. Its methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._files: dict[str, TextIO] = {}
        self._failure: OSError | None = None
        self._closed = False
        for stream in (MARKS_FILE, READINGS_FILE):
            self._files[stream] = (path / stream).open("w", encoding="utf-8")

    @property
    def latency_file(self) -> Path:
        """Where the recorder writes its histogram log."""
        return self.path / LATENCY_FILE

    @property
    def writes_file(self) -> Path:
        """Where the recorder writes the history of writes, where one is kept."""
        return self.path / WRITES_FILE

    def log_file(self, name: str) -> Path:
        """Where the process called `name` writes what it prints."""
        return self.path / f"{name}.log"

    def write_line(self, stream: str, line: str) -> None:
        """Append to a stream, which is begun where it is not there; after `close`, what comes is dropped. Raises
        OutputError.
        """
        with self._lock, writing(self.path / stream, RUN_AGAIN):
            if self._failure is not None:
                raise self._failure
            if not self._closed:
                try:
                    if stream not in self._files:
                        self._files[stream] = (self.path / stream).open("w", encoding="utf-8")
                    self._files[stream].write(line + "\n")
                except OSError as error:
                    self._failure = error
                    raise

    def close(self) -> None:
        """Close the streams. Raises OutputError where not all of them is on disk, even if there is room again."""
        with self._lock, writing(self.path, RUN_AGAIN):
            self._closed = True
            for file in self._files.values():
                with suppress(ValueError):
                    file.close()
            if self._failure is not None:
                raise self._failure

    def closings(self) -> Mapping[str, Stream]:
        """Line count and digest of every stream that there is, as it lies on disk. Raises OutputError."""
        with writing(self.path, RUN_AGAIN):
            return {name: stream_of(self.path / name) for name in STREAMS if (self.path / name).exists()}


def stream_of(path: Path) -> Stream:
    """Line count and digest of a file as it lies on disk. Raises OSError."""
    lines, digest = 0, hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            lines += chunk.count(b"\n")
            digest.update(chunk)
    return Stream(lines=lines, sha256=digest.hexdigest())


class RunStore:
    """A run directory being written. Every method raises OutputError where the folder does not let it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._run_id: str | None = None
        self._made: tuple[Path, ...] = ()

    @classmethod
    def create(cls, path: Path) -> RunStore:
        """Make the directory. Raises RunDirectoryError if it exists with anything in it or cannot be made."""
        with making_output(path):
            require_empty(path)
            made = tuple(folder for folder in (path, *path.parents) if not folder.exists())
            (path / TRIALS_DIR).mkdir(parents=True)
        store = cls(path)
        store._made = made
        return store

    def has_trials(self) -> bool:
        """Whether any trial was kept, and is still there; yes, where that cannot be seen."""
        try:
            return any(not entry.name.startswith(".") for entry in (self.path / TRIALS_DIR).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    def discard_if_empty(self) -> None:
        """Where no trial was kept, take away what was written, and the folders that were made to hold it.

        A folder that was there before stays, empty as it was: it may be a link, or a mount.
        """
        if self.has_trials():
            return
        shutil.rmtree(self.path / TRIALS_DIR, ignore_errors=True)
        with suppress(OSError):  # somebody else's are in it by now
            (self.path / MANIFEST_FILE).unlink(missing_ok=True)
            for folder in self._made:
                folder.rmdir()

    def is_kept(self, trial_id: str) -> bool:
        """Whether a trial is there, whole."""
        return (self.path / TRIALS_DIR / trial_id).is_dir()

    def write_manifest(self, manifest: Manifest) -> None:
        """Write, or replace, what the run is and how far it is. Trials that are kept bear its id."""
        self._run_id = manifest.run_id
        with writing(self.path, RUN_AGAIN):
            write_atomically(self.path / MANIFEST_FILE, sealed(manifest.model_dump_json()))

    def require_room(self) -> None:
        """Try whether anything can still be written."""
        probe = self.path / TRIALS_DIR / f"{PARTIAL_PREFIX}room"
        try:
            with writing(self.path, RUN_AGAIN):
                probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)

    @contextmanager
    def trial(self, trial_id: str) -> Iterator[TrialFolder]:
        """A partial folder for one trial; unless `keep` was called on it, it vanishes at the end."""
        partial = self.path / TRIALS_DIR / f"{PARTIAL_PREFIX}{trial_id}"
        with writing(self.path, RUN_AGAIN):
            partial.mkdir()
            folder = TrialFolder(partial)
        try:
            yield folder
        finally:
            with suppress(OutputError):
                folder.close()
            shutil.rmtree(partial, ignore_errors=True)

    def keep(self, folder: TrialFolder, record: TrialRecord) -> None:
        """The trial is over: close its streams with their counts, write its record and give the folder its
        name.
        """
        folder.close()
        closing = (record.closing or Closing()).model_copy(update={"streams": folder.closings()})
        whole = record.model_copy(update={"closing": closing, "run_id": self._run_id})
        with writing(self.path, RUN_AGAIN):
            write_atomically(folder.path / TRIAL_FILE, sealed(whole.model_dump_json()))
            folder.path.rename(self.path / TRIALS_DIR / record.spec.id)
