"""The folder for what is made once and serves every run and report after it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """In the user's caches, and perhaps not there yet. POOLSTORM_CACHE names another place for all of it."""
    given = os.environ.get("POOLSTORM_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("poolstorm")


def kept(path: Path) -> str | None:
    """A text that `keep` put there: what follows the first line, if that line is its digest; else None."""
    try:
        text = path.read_bytes().decode()  # as bytes: line ends stay as they are
    except (OSError, UnicodeError):
        return None
    head, _, body = text.partition("\n")
    return body if head == _first_line(body) else None


def keep(path: Path, body: str) -> None:
    """Put the whole text in place, or leave nothing: two processes may do so at the same time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(f"{_first_line(body)}\n{body}".encode())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _first_line(body: str) -> str:
    return f"// {hashlib.sha256(body.encode()).hexdigest()}"
