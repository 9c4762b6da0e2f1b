"""Files of a run folder are opened with care: it may come from anywhere, and must neither hang nor fill memory."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

LONGEST_REASON = 200


class DamageError(Exception):
    """A file is not what was recorded. `str(error)` begins with its name; `mend` says what to do about it."""

    def __init__(self, what: str, mend: str = "restore it or repeat the run") -> None:
        super().__init__(what)
        self.mend = mend


class Allowance:
    """How many bytes of one kind a whole run may hold."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = self._left = most_bytes

    def take(self, name: str, size: int) -> None:
        """Count a file's bytes. Raises DamageError where they are too many."""
        if size > self._left:
            raise DamageError(
                f"{name} is too large ({size:,} bytes; {self._left:,} of {self._most_bytes:,} for all such files "
                "are left)",
                "report it in parts",
            )
        self._left -= size


@contextmanager
def opened(path: Path, most_bytes: int) -> Iterator[BinaryIO]:
    """A regular file, no link, of at most so many bytes. Raises DamageError for all else, and never waits."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise DamageError(f"{path.name} is missing") from error
    except (OSError, ValueError) as error:
        link = getattr(error, "errno", None) == errno.ELOOP  # by O_NOFOLLOW
        kind = "is a symbolic link" if link else f"cannot be read ({reason_of(error)})"
        raise DamageError(f"{path.name} {kind}", *_mend(error)) from error
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        os.close(number)
        raise DamageError(f"{path.name} is no regular file")
    with os.fdopen(number, "rb") as file:
        if found.st_size > most_bytes:
            raise DamageError(f"{path.name} is too large ({found.st_size:,} bytes; at most {most_bytes:,})")
        try:
            yield file
        except OSError as error:
            raise DamageError(f"{path.name} cannot be read ({reason_of(error)})") from error


def _mend(error: Exception) -> tuple[str, ...]:
    return ("mend its permissions",) if isinstance(error, PermissionError) else ()


def content(path: Path, most_bytes: int) -> bytes:
    """All of a file. Raises DamageError where it cannot be had or is more than that."""
    with opened(path, most_bytes) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise DamageError(f"{path.name} grows while it is read")
    return data


def reason_of(error: BaseException) -> str:
    """One short line for an error of any kind."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        text = f"{place}: {first['msg']}" if place else str(first["msg"])
    elif isinstance(error, OSError):
        text = error.strerror or type(error).__name__
    elif isinstance(error, RecursionError):
        text = "nested too deeply"
    else:
        text = str(error) or type(error).__name__
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"
