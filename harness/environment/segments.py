"""Shared memory that a PostgreSQL leaves behind when it is killed: one small segment of System V's, an interlock.

Its id stands in `postmaster.pid`, which outlives a killed server too. Standard library only: the guard uses it.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

IPC_RMID = 0
_SEGMENT_LINE = 6  # the seventh: key and id; PostgreSQL's `pidfile.h`


def segment_of(pid_file: Path) -> int | None:
    """The segment that a server wrote into its pid file; None where it wrote none, or the file has gone."""
    try:
        _, identifier = pid_file.read_text(errors="replace").splitlines()[_SEGMENT_LINE].split()
        return int(identifier)
    except (OSError, ValueError, IndexError):
        return None


def release_segments(folder: Path) -> None:
    """Give back the segments of servers whose data lie right below `folder`, after they have ended.

    One that ended as it should took its segment and its pid file along. Somebody else's is safe: the system
    refuses it, unless we are root, and then the file is one that only our own server could write.
    """
    for pid_file in folder.glob("*/postmaster.pid"):
        if (identifier := segment_of(pid_file)) is not None:
            remove_segment(identifier)


def remove_segment(identifier: int) -> bool:
    """Mark a segment to go as soon as nobody holds it; tells whether the system did."""
    try:
        return int(ctypes.CDLL(None).shmctl(identifier, IPC_RMID, None)) == 0
    except (OSError, AttributeError):
        return False
