"""The generator's end of the pipe to its recorder: it never waits, and what it could not hand over it says."""

from __future__ import annotations

import fcntl
import os
import time
from collections import deque
from contextlib import suppress

import gevent

PIPE_BYTES = 1 << 20
"""As much as Linux gives to anyone: samples of seconds, so that a recorder kept waiting does not matter."""
MOST_WAITING_BYTES = 64 << 20
"""What is kept for a recorder that has fallen behind further: over a million samples."""
_POLL_S = 0.01


class Outlet:
    """Takes whole lines for `fd`. `failure` says in words why it takes no more; empty as long as it does."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self.failure = ""
        os.set_blocking(fd, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def put(self, text: str) -> None:
        """Hand over as much as the pipe takes at once, and keep the rest for the next time."""
        if self.failure:
            return
        if text:
            data = text.encode("ascii", "replace")
            self._waiting.append(memoryview(data))
            self._waiting_bytes += len(data)
        self._push()
        if self._waiting_bytes > MOST_WAITING_BYTES:
            self._fail(f"the recorder did not keep up: {self._waiting_bytes >> 20} MiB of samples waited for it")

    def empty(self, within_s: float) -> None:
        """Wait until all is handed over, or so long; what waits after that is given up."""
        deadline_s = time.monotonic() + within_s
        while self._waiting:
            self.put("")
            if self._waiting and time.monotonic() > deadline_s:
                self._fail(f"the recorder did not take all samples within {within_s:g} s of the load's end")
            elif self._waiting:
                gevent.sleep(_POLL_S)

    def _push(self) -> None:
        try:
            while self._waiting:
                written = os.write(self._fd, self._waiting[0])
                self._waiting_bytes -= written
                rest = self._waiting[0][written:]
                if rest:
                    self._waiting[0] = rest
                else:
                    self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(f"the recorder is gone ({error.strerror})")

    def _fail(self, why: str) -> None:
        """For good: a stream with a gap would be read as something else."""
        self.failure = why
        self._waiting.clear()
        self._waiting_bytes = 0
