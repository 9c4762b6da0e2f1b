"""One trial's journal: it owns the clock's origin, stamps every mark and reading, and writes them down.

What the load process tells is stamped there already, on the same clock: every process was given the one origin.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from pydantic import BaseModel

from harness.records import MARKS_FILE, READINGS_FILE, STORED_FILE, Mark, MarkKind, Reading, Stored


class Lines(Protocol):
    """Where the journal's streams go, a line at a time; may be called from any thread."""

    def write_line(self, stream: str, line: str) -> None: ...


class Journal:
    """Marks and readings of one trial. Its methods may be called from any thread."""

    def __init__(self, lines: Lines, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._lines = lines
        self._clock_ns = clock_ns
        self._origin_ns: int | None = None

    def begin_at(self, origin_ns: int) -> int:
        """Set the origin to a reading of the monotonic clock."""
        self._origin_ns = origin_ns
        return origin_ns

    @property
    def origin_ns(self) -> int:
        """The origin, which must have been set."""
        assert self._origin_ns is not None, "the journal has not begun"
        return self._origin_ns

    def now_ns(self) -> int:
        """Nanoseconds since the origin; negative before it."""
        return self._clock_ns() - self.origin_ns

    def mark(
        self,
        kind: MarkKind,
        *,
        phase: str = "",
        fault: str = "",
        part: str = "",
        number: int = 0,
        planned_ns: int | None = None,
        detail: str = "",
    ) -> None:
        """Something happens now."""
        self.take(
            Mark(
                t_ns=self.now_ns(),
                kind=kind,
                phase=phase,
                fault=fault,
                part=part,
                number=number,
                planned_ns=planned_ns,
                detail=detail,
            )
        )

    def read(self, reading: Reading) -> None:
        """A reading is complete now, whatever time it bears."""
        self.take(reading.model_copy(update={"t_ns": self.now_ns()}))

    def take(self, record: Mark | Reading) -> None:
        """Write down what bears its time already."""
        stream = MARKS_FILE if isinstance(record, Mark) else READINGS_FILE
        self._write(stream, record)

    def found(self, stored: Stored) -> None:
        """Write down what is in the database after the load."""
        self._write(STORED_FILE, stored)

    def _write(self, stream: str, record: BaseModel) -> None:
        self._lines.write_line(stream, record.model_dump_json())
