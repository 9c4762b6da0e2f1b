"""Files that are replaced as a whole, and what is told where the system refuses one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import OutputError, RunDirectoryError


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` in one step, line ends as they are; on failure the old file stays and no other is left.

    Two processes may do so at the same time. Raises OSError, and UnicodeError for what is no text.
    """
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """The same of what is no text."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # one that a killed process left, or a link that leads elsewhere
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def require_empty(path: Path) -> None:
    """Raises RunDirectoryError for an output that holds anything or is no folder, OSError where one cannot see."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunDirectoryError(f"output {path} exists already; name another with --output, or remove it")


@contextmanager
def making_output(path: Path) -> Iterator[None]:
    """The output is looked at and made in the block. Raises RunDirectoryError where the system refuses it."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunDirectoryError(
            f"output {path} cannot be written ({reason}); name another with --output"
        ) from error


@contextmanager
def writing(path: Path, then: str) -> Iterator[None]:
    """What was made is written to in the block; `then` is what to do once there is room again. Raises OutputError
    where the system refuses it.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} can no longer be written ({error.strerror or type(error).__name__}); "
            f"make room or mend its permissions, and {then}"
        ) from error
