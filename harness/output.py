"""Standard output and standard error as they may be found: in any encoding, closed, full, or without a reader.

Work of minutes must not end in a traceback because its last line could not be shown.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from harness.plain import ERRORS

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Raw(io.FileIO):
    """A descriptor that is written to as long as it takes anything; what comes later is dropped."""

    absent = False
    """Whether the descriptor was closed when we started; what lies there now is not the user's."""
    lost = 0
    """Number of the error that ended it; 0 while there is none."""

    def write(self, data: ReadableBuffer, /) -> int:
        whole = memoryview(data).nbytes
        if self.absent:
            self.lost = errno.EBADF
        if self.lost:
            return whole
        try:
            while (written := super().write(data)) is None:  # it does not block, and is full for the moment
                select.select([], [self.fileno()], [])
        except OSError as error:
            self.lost = error.errno or errno.EIO
            return whole
        return written


def prepare_output() -> None:
    """To be called once, before anything is opened: make both streams take whatever they are given.

    What an encoding does not know is spelt in ASCII (see `harness.plain`). A closed descriptor is taken by
    the null device, so that no file or socket of ours comes to lie there.
    """
    closed = [number for number in range(3) if _is_closed(number)]
    for number in closed:
        null = os.open(os.devnull, os.O_RDWR)
        os.set_inheritable(null, True)
        if null != number:
            os.dup2(null, number)
            os.close(null)
    # Only the streams as Python made them (None if closed); a test may have put its own.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _lenient(sys.stdout, 1, 1 in closed)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _lenient(sys.stderr, 2, 2 in closed)


def finish_output(code: int) -> int:
    """Write out what is left. The exit code: `code`, but 1 in place of 0 where standard output was lost.

    Files are complete by then. A reader that left, as `head` does, has seen what it wanted: that is no loss.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    lost = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "lost", 0)
    if lost in (0, errno.EPIPE):
        return code
    sys.stderr.write(f"error: standard output cannot be written ({os.strerror(lost)}); send it somewhere else\n")
    sys.stderr.flush()
    return code or 1


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _lenient(stream: TextIO | None, number: int, absent: bool) -> TextIO:
    raw = _Raw(number, "wb", closefd=False)
    raw.absent = absent
    encoding = stream.encoding if stream is not None else "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors=ERRORS,
        line_buffering=number == 2 or raw.isatty(),
    )
