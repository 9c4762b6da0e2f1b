"""What a locustfile expects around it: a log to write to, and as many connections as it has users."""

from __future__ import annotations

import io
import logging
import resource
import sys
from contextlib import suppress
from typing import TextIO

MOST_PRINTED = 4_000_000
"""Characters that a load process prints: a file that prints each answer fills no disk."""
_FILES = 10_000


class BoundedText(io.TextIOBase):
    """A text stream that drops what comes after so many characters, and says so once."""

    def __init__(self, stream: TextIO, most: int = MOST_PRINTED) -> None:
        self._stream, self._left = stream, most

    def write(self, text: str) -> int:
        """Take it, whatever becomes of it."""
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write("\n[what is printed after this is dropped]\n")
        return len(text)

    def flush(self) -> None:
        """As it says."""
        self._stream.flush()

    def fileno(self) -> int:
        """That of the stream; what is written past us is not counted."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """It is."""
        return True


def listen_to_logging() -> None:
    """Print what is logged, as Locust does; from now on printing has a bound."""
    bounded = BoundedText(sys.stderr)
    sys.stdout = sys.stderr = bounded
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=bounded, force=True
    )


def allow_many_files() -> None:
    """As many connections as users may have, as far as the system lets us."""
    with suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
